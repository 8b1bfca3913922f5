import { LRUCache } from "lru-cache";
import type { Engine } from "../engine/contract.ts";
import type { EngineOptions } from "../engine/engine.ts";
import { Backlog, type PlaceOptions, type Work } from "./backlog.ts";
import { Batcher, type BatcherOptions, type Embedded } from "./batcher.ts";
import { dueTimes } from "./due-times.ts";
import { InFlight, type Share } from "./in-flight.ts";

/** One tower: its engines, the queue before them, and what is known of inputs seen before. */
export interface TowerOptions<Item> extends EngineOptions, Omit<BatcherOptions<Item>, "engines"> {
  replicas: number;
  startEngine: (options: EngineOptions) => Promise<Engine>;
  /** Items accepted at the same time. */
  maxQueue: number;
  /** Vectors kept of inputs seen before; 0 keeps none. */
  cacheSize: number;
}

/** A vector with what it cost to make; a cached one cost nothing. */
export interface TowerResult extends Embedded {
  decodeMs?: number;
}

/** Where one request's items stand among others'. */
export interface TowerPlace<Item> {
  /** Accepts all of this work or none of it; what is not booked is done all the same. @throws EncoderError OVERLOADED */
  book(work: Work): void;
  /**
   * The raw vector of the input that `key` identifies. Equal inputs that are in flight are computed once.
   * `prepare` makes the graph's input, and is called only if it is needed; its time counts as decoding.
   */
  embed(input: TowerInput, prepare: (signal: AbortSignal) => Item | Promise<Item>): Share<TowerResult>;
  close(): void;
}

export interface TowerInput {
  key: string;
  /** Among the request's items. */
  position: number;
  /** As it was booked. */
  cost: number;
}

export interface Tower<Item> {
  /** @param request `items`: how many it will have at most */
  open(request: PlaceOptions & { items: number }): TowerPlace<Item>;
  /** Whether the input's vector costs nothing now: it is in the cache, or under way. */
  knows(key: string): boolean;
  readonly depth: number;
  readonly lastSuccessAt: number;
  /** Answers what was accepted, then stops the threads. */
  close(): Promise<void>;
}

export async function startTower<Item>(options: TowerOptions<Item>): Promise<Tower<Item>> {
  const now = options.now ?? (() => performance.now());
  const { replicas, startEngine } = options;
  const engines = await allOrNone(Array.from({ length: replicas }, () => startEngine(options)));
  const batcher = new Batcher<Item>({ ...options, engines });
  const backlog = new Backlog({
    maxItems: options.maxQueue,
    msFor: (cost) => batcher.msFor(cost),
    stalledMs: () => batcher.stalledMs(),
    now,
  });
  const inFlight = new InFlight<TowerResult>();
  const cache = options.cacheSize > 0 ? new LRUCache<string, Float32Array>({ max: options.cacheSize }) : undefined;

  return {
    open({ items, deadline = Number.POSITIVE_INFINITY, preparationMs }) {
      const place = backlog.open({ deadline, preparationMs });
      const dueAt = dueTimes({ items, now: now(), deadline });
      return {
        book: place.book,
        embed({ key, position, cost }, prepare) {
          place.use(cost);
          const known = cache?.get(key);
          if (known) return { result: Promise.resolve({ embedding: known, queueMs: 0, inferenceMs: 0 }), release() {} };
          return inFlight.join(key, async (signal) => {
            const done = backlog.begin(cost);
            try {
              const startedAt = now();
              const item = await prepare(signal);
              const decodeMs = now() - startedAt;
              const embedded = await batcher.submit(item, { signal, dueAt: dueAt(position) });
              cache?.set(key, embedded.embedding);
              return { ...embedded, decodeMs };
            } finally {
              done();
            }
          });
        },
        close: place.close,
      };
    },
    knows: (key) => cache?.has(key) === true || inFlight.has(key),
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

/** All of them; or the first failure, when those that did start are closed. */
export async function allOrNone<T extends { close(): Promise<void> }[]>(
  starting: {
    [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  try {
    return await Promise.all(starting);
  } catch (error) {
    const outcomes = await Promise.allSettled(starting);
    await Promise.all(outcomes.map((it) => it.status === "fulfilled" && it.value.close()));
    throw error;
  }
}
