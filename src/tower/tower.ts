import { EventEmitter, once } from "node:events";
import { LRUCache } from "lru-cache";
import type { Engine } from "../engine/contract.ts";
import type { EngineOptions } from "../engine/engine.ts";
import type { Layout } from "../engine/layout.ts";
import { shuttingDown } from "../errors.ts";
import { Backlog } from "./backlog.ts";
import { Batcher, type BatcherOptions } from "./batcher.ts";
import { InFlight } from "./in-flight.ts";
import { openRequest, type RequestOptions, type SharedByRequests, type TowerRequest } from "./request.ts";

export interface TowerOptions<Item>
  extends Omit<EngineOptions, "threads">,
    Omit<BatcherOptions<Item>, "engines" | "cores" | "awaitsOthers" | "onWait"> {
  layout: Layout;
  startEngine: (options: EngineOptions) => Promise<Engine>;
  /** Called when the engines for load could not be started. */
  onFewerEngines?: ((reason: unknown) => void) | undefined;
  maxQueue: number;
  /** If true, all items of a waiting request are held, as texts are, and not only those that are being worked on. */
  holdsWholeRequests: boolean;
  /** Estimates the milliseconds until work of this cost is prepared, which goes on beside the engines. */
  preparationMs?: (cost: number) => number;
  /** Limits the vectors kept of inputs seen before; 0 keeps none. */
  cacheSize: number;
}

/** Runs one tower: its engines, the queue before them, and the cache of inputs seen before. */
export interface Tower<Item> {
  /** Begins a request, which must be closed. @throws EncoderError SHUTTING_DOWN once the tower is closing. */
  open(options: RequestOptions): TowerRequest<Item>;
  /** Tells when a batch last succeeded, in `performance.now()` milliseconds. */
  readonly lastSuccessAt: number;
  /** Takes no new request, and stops the engines once the open ones are closed, or given up after `timeoutMs`. */
  close(options: { timeoutMs: number }): Promise<void>;
}

export async function startTower<Item>(options: TowerOptions<Item>): Promise<Tower<Item>> {
  const { layout, cacheSize, maxQueue, preparationMs = () => 0 } = options;
  const now = options.now ?? (() => performance.now());
  const engines = await startEngines(layout.engines, options);
  let closing: Promise<void> | undefined;
  let startingForLoad: Promise<void> | undefined;
  const batcher = new Batcher<Item>({
    ...options,
    engines: engines.map((engine, at) => ({ engine, threads: layout.engines[at]!, run: engine.run })),
    cores: layout.cores,
    awaitsOthers: layout.enginesForLoad > 0,
    onWait() {
      if (!closing && layout.enginesForLoad > 0) startingForLoad ??= startForLoad();
    },
  });
  const ending = new AbortController();
  /**
   * Starts what takes memory only when it is needed, one after another, as cores are busy. Without it, the others go on.
   * An engine of more threads stands in for one of one thread, and is lent last, where it can.
   */
  async function startForLoad(): Promise<void> {
    const threads = 1;
    const standIns = engines.flatMap((engine) =>
      engine.runOnOneThread ? [{ engine, threads, run: engine.runOnOneThread }] : [],
    );
    try {
      for (let others = standIns.length; others < layout.enginesForLoad; others++) {
        // Copies of the weights would be too many.
        const forLoad = { threads, signal: ending.signal, mustBePacked: options.packed !== undefined };
        const engine = await options.startEngine({ ...options, ...forLoad });
        engines.push(engine);
        batcher.addEngine({ engine, threads, run: engine.run });
      }
      for (const standIn of standIns) batcher.addEngine(standIn);
    } catch (error) {
      batcher.awaitNoOthers();
      if (!ending.signal.aborted) options.onFewerEngines?.(error);
    }
  }
  const backlog = new Backlog({
    maxItems: maxQueue,
    msFor: (cost) => batcher.msFor(cost),
    stalledMs: () => batcher.stalledMs(),
    preparationMs,
    now,
  });
  const closings = new EventEmitter();
  const shared: SharedByRequests<Item> = {
    batcher,
    backlog,
    inFlight: new InFlight(),
    cache: cacheSize > 0 ? new LRUCache({ max: cacheSize }) : undefined,
    maxBatch: options.maxBatch,
    ahead: options.maxBatch * (layout.engines.length + 1), // every engine finds its next batch waiting
    holdsWholeRequests: options.holdsWholeRequests,
    now,
    open: new Set(),
    onClosed: () => closings.emit("request"),
  };

  async function close(timeoutMs: number): Promise<void> {
    const giveUp = setTimeout(() => {
      for (const scope of shared.open) scope.end(shuttingDown());
    }, timeoutMs);
    while (shared.open.size > 0) await once(closings, "request");
    clearTimeout(giveUp);
    ending.abort(shuttingDown());
    await startingForLoad;
    await Promise.all(engines.map((engine) => engine.close()));
  }

  return {
    open(request) {
      if (closing) throw shuttingDown();
      return openRequest(request, shared);
    },
    get lastSuccessAt() {
      return batcher.lastSuccessAt;
    },
    close({ timeoutMs }) {
      closing ??= close(timeoutMs);
      return closing;
    },
  };
}

/** Starts engines of so many threads each, all of them or none. */
function startEngines<Item>(threads: readonly number[], options: TowerOptions<Item>): Promise<Engine[]> {
  const starting = threads.map((threads) => options.startEngine({ ...options, threads }));
  return allOrNone<Engine[]>(starting, (engine) => engine.close());
}

/** Gives all of them, or the first failure; then `close` is called for those that did start. */
export async function allOrNone<T extends readonly unknown[]>(
  starting: { [K in keyof T]: Promise<T[K]> },
  close: (started: T[number]) => Promise<void>,
): Promise<T> {
  try {
    return (await Promise.all(starting)) as unknown as T; // a tuple's promises give a tuple
  } catch (error) {
    const outcomes = await Promise.allSettled(starting);
    await Promise.all(outcomes.map((it) => it.status === "fulfilled" && close(it.value)));
    throw error;
  }
}
