import type { Tensor } from "../engine/contract.ts";
import { type Due, insertByDueTime } from "../scheduling/due-order.ts";
import { bulkReserve } from "../scheduling/pace.ts";
import { EnginePool, type LentEngine, type PooledEngine } from "./engine-pool.ts";

export interface BatcherOptions<Item> {
  /** Engines of the same graph, whose threads share the cores. Each takes the next batch when it is free. */
  engines: readonly PooledEngine[];
  cores: number;
  /** Engines of fewer threads will be added. */
  awaitsOthers?: boolean;
  /** Puts items together as the graph's inputs. It is called once per attempt, since tensors are handed over. */
  toTensors(items: readonly Item[]): Tensor[];
  /** Called with what nobody reads any more, after a batch was run: its items, and the memory of its inputs. */
  recycle?(items: readonly Item[], inputs: readonly Tensor["data"][]): void;
  /** Bounds a batch of an engine that is alone with its kind. Where kinds share the work, each has its share of this. */
  maxBatch: number;
  /** The cost of a batch is that of its dearest item times its size, since shorter texts are padded. */
  maxBatchCost: number;
  /** Called whenever an item has to wait for an engine. */
  onWait?(): void;
  observer?: BatchObserver;
  /** Reads the milliseconds of a clock that never jumps. */
  now?: () => number;
}

export interface BatchObserver {
  onBatch(batch: { size: number; inferenceMs: number }): void;
  onQueueDepth(depth: number): void;
}

/** Holds the raw vector of one item, float32 [dimensions], and tells how long it waited and its batch ran. */
export interface Embedded {
  embedding: Float32Array;
  queueMs: number;
  /** Tells how long the engine itself prepared the items of the batch. */
  prepareMs: number;
  inferenceMs: number;
}

/** Is what an item is rejected with that the engine could not prepare: it may be submitted once more, prepared. */
export class DeclinedItem extends Error {
  /** What it took by then: it also waited while those beside it were computed. */
  readonly spent: Pick<Embedded, "queueMs" | "prepareMs">;

  constructor(spent: DeclinedItem["spent"]) {
    super("The engine could not prepare the item.");
    this.spent = spent;
  }
}

export interface SubmitOptions extends Due {
  /** What the item costs when it is run alone: tokens, for texts. */
  cost: number;
  /** Tells whether it belongs to a request of more items than a batch holds. */
  isBulk?: boolean | undefined;
  /** A bulk job that would not be done by this time otherwise does not share the engines with others. */
  deadline?: number | undefined;
  /** Aborting drops the item if its batch has not started. Either way the result is no longer waited for. */
  signal: AbortSignal;
}

interface Job<Item> extends SubmitOptions {
  item: Item;
  queuedAt: number;
  resolve(result: Embedded): void;
  reject(error: unknown): void;
}

interface Attempt {
  /** Tells whether a failure is final. */
  isLast: boolean;
  measure?: LentEngine["measure"] | undefined;
}

/** A batch that takes this long at most doubles the time of one image or text at int8 on two cores. */
const shortBatchMs = 30;
/** After a single item, another one is expected for this long. */
const singlesExpectedMs = 5_000;

/** Forms batches without waiting: an idle engine runs what there is; while all are busy, the next batch gathers. */
export class Batcher<Item> {
  readonly #options: BatcherOptions<Item>;
  readonly #now: () => number;
  readonly #pool: EnginePool;
  /** Sorted by due time. */
  #waiting: Job<Item>[] = [];
  #lastStartAt = Number.NEGATIVE_INFINITY;
  #lastSuccessAt = Number.NEGATIVE_INFINITY;
  #lastSingleAt = Number.NEGATIVE_INFINITY;
  /** Counts the items that are being run, and the bulk jobs among them. */
  #running = 0;
  #bulkRunning = 0;
  /** Cost of the bulk jobs that went, while others waited, before these did; that of the others is subtracted. */
  #bulkAhead = 0;

  constructor(options: BatcherOptions<Item>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    const { engines, cores, awaitsOthers = false } = options;
    this.#pool = new EnginePool({ engines, cores, awaitsOthers, now: this.#now });
  }

  /** Adds an engine of fewer threads, for when items wait. */
  addEngine(engine: PooledEngine): void {
    this.#pool.add(engine);
    this.#start();
  }

  /** The engines that it awaited do not come. */
  awaitNoOthers(): void {
    this.#pool.awaitNoOthers();
  }

  /** Tells when a batch last succeeded, in milliseconds of the batcher's clock. */
  get lastSuccessAt(): number {
    return this.#lastSuccessAt;
  }

  /** Estimates the milliseconds that queued work of this cost takes; 0 while that is not known. */
  msFor(cost: number): number {
    return this.#pool.msFor(cost);
  }

  /** Counts the milliseconds since a batch last began, if all engines are busy: the rest will take as long again. */
  stalledMs(): number {
    return this.#pool.isFree ? 0 : this.#now() - this.#lastStartAt;
  }

  /** @throws EncoderError ENGINE_FAILED when the item fails alone; DeclinedItem; the signal's reason when aborted. */
  submit(item: Item, { cost, isBulk = false, deadline, dueAt, signal }: SubmitOptions): Promise<Embedded> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (!isBulk) this.#lastSingleAt = this.#now();
    return new Promise<Embedded>((resolve, reject) => {
      const drop = () => {
        const place = this.#waiting.indexOf(job);
        if (place >= 0) this.#waiting.splice(place, 1);
        this.#tellDepth();
        reject(signal.reason);
      };
      const answered = () => signal.removeEventListener("abort", drop);
      // The properties are written out: spreading them costs as much as all else that is done here for an item.
      const job: Job<Item> = {
        item,
        cost,
        isBulk,
        deadline,
        dueAt,
        signal,
        queuedAt: this.#now(),
        resolve(result) {
          answered();
          resolve(result);
        },
        reject(error) {
          answered();
          reject(error);
        },
      };
      signal.addEventListener("abort", drop, { once: true });
      insertByDueTime(this.#waiting, job);
      this.#tellDepth();
      // The items of one request arrive in one go. A microtask lets them all be there before the first batch is formed.
      queueMicrotask(() => this.#start());
    });
  }

  #tellDepth(): void {
    this.#options.observer?.onQueueDepth(this.#waiting.length);
  }

  /** Begins what may begin. @param justDone counts the items of a batch that has just ended */
  #start(justDone = 0): void {
    while (this.#waiting.length > 0) {
      // Bulk jobs are many, and leave cores to whoever comes meanwhile.
      const isQuiet = this.#bulkRunning === 0 && !this.#waiting.some(({ isBulk }) => isBulk);
      const atHand = isQuiet ? this.#waiting.length + this.#running + justDone : Number.POSITIVE_INFINITY;
      const lent = this.#pool.lend(this.#waiting.length, atHand);
      if (!lent) {
        this.#options.onWait?.();
        return;
      }
      const { batch, isFull } = this.#take(lent);
      const bulk = batch[0]!.isBulk ? batch.length : 0;
      this.#running += batch.length;
      this.#bulkRunning += bulk;
      this.#lastStartAt = this.#now();
      this.#tellDepth();
      // A queue consists of full batches, and small ones are slower.
      const measure = isFull && this.#waiting.length > 0 ? lent.measure : undefined;
      void this.#run(lent.run, batch, { isLast: false, measure }).finally(() => {
        this.#running -= batch.length;
        this.#bulkRunning -= bulk;
        lent.giveBack();
        this.#start(batch.length);
      });
    }
  }

  /**
   * Takes the job that is due first, and those nearest to it in cost from the next few batches' worth of jobs. Bulk jobs
   * have batches of their own, so that none of them lengthens the batch of a single item.
   */
  #take({ share, evenly }: LentEngine): { batch: Job<Item>[]; isFull: boolean } {
    const maxBatchCost = this.#options.maxBatchCost * share;
    const first = this.#next();
    const maxBatch = Math.min(evenly, this.#largestBatch(first, share));
    const near = this.#waiting
      .filter(({ isBulk }) => isBulk === first.isBulk)
      .slice(0, maxBatch * 4)
      .sort((a, b) => a.cost - b.cost);
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
    const cost = batch.reduce((sum, job) => sum + job.cost, 0);
    this.#bulkAhead += first.isBulk ? cost : -cost;
    const taken = new Set(batch);
    this.#waiting = this.#waiting.filter((job) => !taken.has(job));
    // One that was divided evenly, or is short for the sake of others, may be too small to tell how fast full ones are.
    const isFull = batch.length >= maxBatch && maxBatch * 2 >= Math.ceil(this.#options.maxBatch * share);
    return { batch, isFull: isFull || cost * 2 >= maxBatchCost };
  }

  /**
   * Gives the job that is due first. Where that is a bulk job and others wait, the two kinds share the engines half and
   * half, as nobody should wait for all of a large request, unless that would come too late.
   */
  #next(): Job<Item> {
    const first = this.#waiting[0]!;
    const other = first.isBulk ? this.#waiting.find(({ isBulk }) => !isBulk) : undefined;
    if (!other) this.#bulkAhead = 0;
    return other && this.#bulkAhead >= 0 && this.#hasTime(first, other) ? other : first;
  }

  /** Tells whether all bulk jobs can be done by the deadline of one of them although a batch of others comes between. */
  #hasTime({ deadline = Number.POSITIVE_INFINITY }: Job<Item>, other: { cost: number }): boolean {
    if (deadline === Number.POSITIVE_INFINITY) return true;
    const { maxBatch, maxBatchCost } = this.#options;
    const bulk = this.#waiting.reduce((sum, { isBulk, cost }) => (isBulk ? sum + cost : sum), 0);
    const between = Math.min(maxBatchCost, maxBatch * other.cost);
    return this.#now() + this.#pool.msFor(bulkReserve * bulk + between) <= deadline;
  }

  /** While single items come, a batch of bulk jobs is short, since the next single item waits until it is done. */
  #largestBatch(first: Job<Item>, share: number): number {
    const maxBatch = Math.ceil(this.#options.maxBatch * share);
    const expectsSingles = this.#now() - this.#lastSingleAt < singlesExpectedMs;
    if (!first.isBulk || !expectsSingles || !this.#hasTime(first, first)) return maxBatch;
    const msPerItem = this.#pool.msFor(first.cost) * this.#pool.size;
    const short = msPerItem > 0 ? Math.floor(shortBatchMs / msPerItem) : 0; // unknown while batches leave none waiting
    return Math.min(maxBatch, Math.max(1, short));
  }

  /** Tries a failed batch once more whole, then item by item, so that an item that breaks the engine fails alone. */
  async #run(run: LentEngine["run"], jobs: Job<Item>[], attempt: Attempt): Promise<void> {
    const batch = jobs.filter((job) => !job.signal.aborted);
    if (batch.length === 0) return;
    const startedAt = this.#now();
    try {
      const items = batch.map((job) => job.item);
      const {
        embeddings,
        prepareMs = 0,
        inferenceMs,
        inputs = [],
        declined = [],
      } = await run(this.#options.toTensors(items));
      const computed = batch.filter((_, row) => !declined.includes(row));
      if (computed.length > 0) {
        this.#lastSuccessAt = this.#now();
        const cost = computed.reduce((sum, job) => sum + job.cost, 0);
        attempt.measure?.(cost, this.#lastSuccessAt - startedAt);
        this.#options.observer?.onBatch({ size: computed.length, inferenceMs });
      }
      const dimensions = embeddings.length / computed.length;
      for (const [row, job] of computed.entries()) {
        const embedding = embeddings.slice(row * dimensions, (row + 1) * dimensions);
        job.resolve({ embedding, queueMs: startedAt - job.queuedAt, prepareMs, inferenceMs });
      }
      for (const row of declined) {
        const job = batch[row]!;
        job.reject(new DeclinedItem({ queueMs: startedAt - job.queuedAt + inferenceMs, prepareMs }));
      }
      this.#options.recycle?.(items, inputs); // at the end, since a failure before would have them run once more
    } catch (error) {
      const last = { isLast: true };
      if (!attempt.isLast) return this.#run(run, batch, last);
      if (batch.length === 1) return batch[0]!.reject(error);
      for (const job of batch) await this.#run(run, [job], last);
    }
  }
}
