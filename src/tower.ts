import { LRUCache } from "lru-cache";
import { Batcher, type BatcherOptions, type Embedded } from "./engine/batcher.ts";
import { type EngineOptions, startEngine } from "./engine/engine.ts";
import { InFlight, type Share } from "./engine/in-flight.ts";

/** One tower: its engines, the queue before them, and what is known of inputs seen before. */
export interface TowerOptions<Item> extends EngineOptions, Omit<BatcherOptions<Item>, "engines"> {
  replicas: number;
  /** Vectors kept of inputs seen before; 0 keeps none. */
  cacheSize: number;
}

/** A vector with what it cost to make; a cached one cost nothing. */
export interface TowerResult extends Embedded {
  decodeMs?: number;
}

export interface Tower<Item> {
  /**
   * The raw vector of the input that `key` identifies. Equal inputs that are in flight are computed once.
   * `prepare` makes the graph's input, and is called only if it is needed; its time counts as decoding.
   */
  embed(key: string, position: number, prepare: (signal: AbortSignal) => Item | Promise<Item>): Share<TowerResult>;
  readonly depth: number;
  readonly lastSuccessAt: number;
  /** Answers what was accepted, then stops the threads. */
  close(): Promise<void>;
}

export async function startTower<Item>(options: TowerOptions<Item>): Promise<Tower<Item>> {
  const engines = await Promise.all(Array.from({ length: options.replicas }, () => startEngine(options)));
  const batcher = new Batcher<Item>({ ...options, engines });
  const inFlight = new InFlight<TowerResult>();
  const cache = options.cacheSize > 0 ? new LRUCache<string, Float32Array>({ max: options.cacheSize }) : undefined;

  return {
    embed(key, position, prepare) {
      const known = cache?.get(key);
      if (known) return { result: Promise.resolve({ embedding: known, queueMs: 0, inferenceMs: 0 }), release() {} };
      return inFlight.join(key, async (signal) => {
        const startedAt = performance.now();
        const item = await prepare(signal);
        const decodeMs = performance.now() - startedAt;
        const embedded = await batcher.submit(item, { signal, position });
        cache?.set(key, embedded.embedding);
        return { ...embedded, decodeMs };
      });
    },
    get depth() {
      return batcher.depth;
    },
    get lastSuccessAt() {
      return batcher.lastSuccessAt;
    },
    async close() {
      await batcher.drained();
      await Promise.all(engines.map((engine) => engine.close()));
    },
  };
}
