import type { Engine, Tensor } from "../engine/contract.ts";
import { Pace } from "../scheduling/pace.ts";

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
  observer?: BatchObserver;
  /** Milliseconds of a clock that never jumps. */
  now?: () => number;
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
  /** Items run in this order; see `dueTimes`. */
  dueAt: number;
}

interface Job<Item> {
  item: Item;
  cost: number;
  dueAt: number;
  queuedAt: number;
  signal: AbortSignal;
  resolve(result: Embedded): void;
  reject(error: unknown): void;
}

interface RunOptions {
  lastAttempt: boolean;
  /** Others were left in the queue. */
  isFull?: boolean;
}

export class Batcher<Item> {
  readonly #options: BatcherOptions<Item>;
  readonly #now: () => number;
  readonly #idle: Engine[];
  /** Only full batches are measured: a queue consists of them, and small ones are slower. */
  readonly #pace: Pace;
  /** Sorted by the time they are due. */
  #waiting: Job<Item>[] = [];
  #unanswered = 0;
  #whenDrained: (() => void)[] = [];
  #lastStartAt = Number.NEGATIVE_INFINITY;
  #lastSuccessAt = Number.NEGATIVE_INFINITY;

  constructor(options: BatcherOptions<Item>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#idle = [...options.engines];
    this.#pace = new Pace(options.engines.length, this.#now);
  }

  get depth(): number {
    return this.#waiting.length;
  }

  /** When a batch last succeeded, in `performance.now()` milliseconds. */
  get lastSuccessAt(): number {
    return this.#lastSuccessAt;
  }

  /** Milliseconds that queued work of this cost takes, as far as is known. */
  msFor(cost: number): number {
    return this.#pace.msFor(cost);
  }

  /** Milliseconds since a batch was last begun, if all engines are busy: what runs will take that long again, or longer. */
  stalledMs(): number {
    return this.#idle.length > 0 ? 0 : this.#now() - this.#lastStartAt;
  }

  /** @throws EncoderError ENGINE_FAILED when the item fails alone, or the signal's reason. */
  submit(item: Item, { signal, dueAt }: SubmitOptions): Promise<Embedded> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise<Embedded>((resolve, reject) => {
      let isAnswered = false;
      const answered = () => {
        if (isAnswered) return; // its batch may go on after it was aborted
        isAnswered = true;
        signal.removeEventListener("abort", drop);
        if (--this.#unanswered === 0) for (const drained of this.#whenDrained.splice(0)) drained();
      };
      const job: Job<Item> = {
        item,
        cost: this.#options.costOf(item),
        dueAt,
        queuedAt: this.#now(),
        signal,
        resolve: (result) => {
          resolve(result);
          answered();
        },
        reject: (error) => {
          reject(error);
          answered();
        },
      };
      const drop = () => {
        const index = this.#waiting.indexOf(job);
        if (index >= 0) this.#waiting.splice(index, 1);
        this.#options.observer?.onQueueDepth(this.#waiting.length);
        job.reject(signal.reason);
      };
      this.#unanswered++;
      signal.addEventListener("abort", drop, { once: true });
      insertWhenDue(this.#waiting, job);
      this.#options.observer?.onQueueDepth(this.#waiting.length);
      // Items of one request arrive in one go: let them all be there before the first batch is formed.
      queueMicrotask(() => this.#start());
    });
  }

  /** Resolves when everything that was accepted has been answered. A batch that nobody waits for may still run. */
  async drained(): Promise<void> {
    if (this.#unanswered > 0) await new Promise<void>((resolve) => this.#whenDrained.push(resolve));
  }

  #start(): void {
    while (this.#waiting.length > 0 && this.#idle.length > 0) {
      const engine = this.#idle.pop()!;
      const batch = this.#take();
      this.#lastStartAt = this.#now();
      this.#options.observer?.onQueueDepth(this.#waiting.length);
      const isFull = this.#waiting.length > 0;
      void this.#run(engine, batch, { lastAttempt: false, isFull }).finally(() => {
        this.#idle.push(engine);
        this.#start();
      });
    }
  }

  /** The job that is due first, and those nearest to it in cost from the next few batches' worth of jobs. */
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
  async #run(engine: Engine, jobs: Job<Item>[], { lastAttempt, isFull = false }: RunOptions): Promise<void> {
    const batch = jobs.filter((job) => !job.signal.aborted);
    if (batch.length === 0) return;
    const startedAt = this.#now();
    try {
      const { embeddings, inferenceMs } = await engine.run(this.#options.toTensors(batch.map((job) => job.item)));
      this.#lastSuccessAt = this.#now();
      if (isFull) this.#measure(batch, this.#lastSuccessAt - startedAt);
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

  #measure(batch: readonly Job<Item>[], ms: number): void {
    const cost = batch.reduce((sum, job) => sum + job.cost, 0);
    this.#pace.measure(cost, ms);
  }
}

/** Inserts behind the jobs that are due at the same time or earlier. */
function insertWhenDue(jobs: { dueAt: number }[], job: { dueAt: number }): void {
  let low = 0;
  let high = jobs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (jobs[middle]!.dueAt <= job.dueAt) low = middle + 1;
    else high = middle;
  }
  jobs.splice(low, 0, job);
}
