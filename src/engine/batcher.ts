import { EncoderError } from "../errors.ts";
import type { Engine, Tensor } from "./contract.ts";

/**
 * Forms batches without waiting: an idle engine runs at once what there is; while all engines are busy, arrivals
 * queue and make the next batch.
 */
export interface BatcherOptions<Item> {
  /** Engines with the same graph; each takes the next batch when it is free. */
  engines: readonly Engine[];
  /** Puts items together as the graph's inputs. Called once per attempt, since tensors are handed over. */
  toTensors(items: readonly Item[]): Tensor[];
  /** What an item costs when run alone: tokens, for texts. A batch costs its dearest item times its size (padding). */
  costOf(item: Item): number;
  maxBatch: number;
  maxBatchCost: number;
  maxQueue: number;
  observer?: BatchObserver;
}

export interface BatchObserver {
  onBatch(batch: { size: number; inferenceMs: number }): void;
  onQueueDepth(depth: number): void;
}

export interface Embedded {
  embedding: Float32Array;
  queueMs: number;
  inferenceMs: number;
}

export interface SubmitOptions {
  /** Aborting drops the item if its batch has not started; either way the result is no longer waited for. */
  signal: AbortSignal;
  /** The item's place in its request. Requests take turns, so a request of thousands does not hold up a single item. */
  position: number;
}

interface Job<Item> {
  item: Item;
  cost: number;
  /** Jobs run in the order of their turn. */
  turn: number;
  queuedAt: number;
  signal: AbortSignal;
  resolve(result: Embedded): void;
  reject(error: unknown): void;
}

export class Batcher<Item> {
  readonly #options: BatcherOptions<Item>;
  readonly #idle: Engine[];
  /** Sorted by turn. */
  #waiting: Job<Item>[] = [];
  /** Batches started so far: the turn that a request's first item gets. */
  #turn = 0;
  #running = new Set<Promise<void>>();
  #lastSuccessAt = Number.NEGATIVE_INFINITY;

  constructor(options: BatcherOptions<Item>) {
    this.#options = options;
    this.#idle = [...options.engines];
  }

  get depth(): number {
    return this.#waiting.length;
  }

  /** When a batch last succeeded, in `performance.now()` milliseconds. */
  get lastSuccessAt(): number {
    return this.#lastSuccessAt;
  }

  /** @throws EncoderError OVERLOADED when the queue is full, ENGINE_FAILED when the item fails alone, or the signal's reason. */
  submit(item: Item, { signal, position }: SubmitOptions): Promise<Embedded> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.length >= this.#options.maxQueue) return Promise.reject(this.#overloaded());
    return new Promise<Embedded>((resolve, reject) => {
      const job: Job<Item> = {
        item,
        cost: this.#options.costOf(item),
        turn: this.#turn + position,
        queuedAt: performance.now(),
        signal,
        resolve: (result) => {
          signal.removeEventListener("abort", drop);
          resolve(result);
        },
        reject: (error) => {
          signal.removeEventListener("abort", drop);
          reject(error);
        },
      };
      const drop = () => {
        const index = this.#waiting.indexOf(job);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", drop, { once: true });
      insertByTurn(this.#waiting, job);
      this.#options.observer?.onQueueDepth(this.#waiting.length);
      // Items of one request arrive in one go: let them all be there before the first batch is formed.
      queueMicrotask(() => this.#start());
    });
  }

  /** Resolves when everything that was accepted has been answered. */
  async drained(): Promise<void> {
    while (this.#running.size > 0 || this.#waiting.length > 0) {
      await (this.#running.size > 0 ? Promise.race(this.#running) : new Promise(setImmediate));
    }
  }

  #start(): void {
    while (this.#waiting.length > 0 && this.#idle.length > 0) {
      const engine = this.#idle.pop()!;
      const batch = this.#take();
      this.#turn++;
      this.#options.observer?.onQueueDepth(this.#waiting.length);
      const run = this.#run(engine, batch, { lastAttempt: false }).finally(() => {
        this.#running.delete(run);
        this.#idle.push(engine);
        this.#start();
      });
      this.#running.add(run);
    }
  }

  /** The job whose turn it is, and those nearest to it in cost from the next few batches' worth of jobs. */
  #take(): Job<Item>[] {
    const { maxBatch, maxBatchCost } = this.#options;
    const first = this.#waiting[0]!;
    const near = this.#waiting.slice(0, maxBatch * 4).sort((a, b) => a.cost - b.cost);
    let from = near.indexOf(first);
    let to = from + 1; // the batch is near[from, to)
    while (to - from < maxBatch) {
      const below = near[from - 1];
      const above = near[to];
      const dearest = near[to - 1]!.cost;
      const takeAbove =
        above !== undefined && (below === undefined || above.cost - first.cost <= first.cost - below.cost);
      if ((takeAbove ? above.cost : dearest) * (to - from + 1) > maxBatchCost) break;
      if (takeAbove) to++;
      else if (below !== undefined) from--;
      else break;
    }
    const batch = near.slice(from, to);
    const taken = new Set(batch);
    this.#waiting = this.#waiting.filter((job) => !taken.has(job));
    return batch;
  }

  /** A failed batch is tried once more whole, then item by item, so that an item that breaks the engine fails alone. */
  async #run(engine: Engine, jobs: Job<Item>[], { lastAttempt }: { lastAttempt: boolean }): Promise<void> {
    const batch = jobs.filter((job) => !job.signal.aborted);
    if (batch.length === 0) return;
    const startedAt = performance.now();
    try {
      const { embeddings, inferenceMs } = await engine.run(this.#options.toTensors(batch.map((job) => job.item)));
      this.#lastSuccessAt = performance.now();
      this.#options.observer?.onBatch({ size: batch.length, inferenceMs });
      const dimensions = embeddings.length / batch.length;
      batch.forEach((job, row) => {
        const embedding = embeddings.slice(row * dimensions, (row + 1) * dimensions);
        job.resolve({ embedding, queueMs: startedAt - job.queuedAt, inferenceMs });
      });
    } catch (error) {
      if (!lastAttempt) return this.#run(engine, batch, { lastAttempt: true });
      if (batch.length === 1) return batch[0]!.reject(error);
      for (const job of batch) await this.#run(engine, [job], { lastAttempt: true });
    }
  }

  #overloaded(): EncoderError {
    const { maxQueue } = this.#options;
    return new EncoderError("OVERLOADED", `The queue is full (${maxQueue} items); try again shortly.`, {
      retryAfterSeconds: 1,
    });
  }
}

/** Inserts behind the jobs of the same or an earlier turn. */
function insertByTurn(jobs: { turn: number }[], job: { turn: number }): void {
  let low = 0;
  let high = jobs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (jobs[middle]!.turn <= job.turn) low = middle + 1;
    else high = middle;
  }
  jobs.splice(low, 0, job);
}
