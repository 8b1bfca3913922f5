import { overloaded } from "../errors.ts";
import { type Due, insertByDueTime } from "../scheduling/due-order.ts";
import { bulkReserve, waitingShare } from "../scheduling/pace.ts";

export interface BacklogOptions {
  /** Limits the items accepted at the same time. A request that is alone is let in whatever its size. */
  maxItems: number;
  /** Estimates the milliseconds that the engines take for queued work of this cost; 0 while that is not known. */
  msFor(cost: number): number;
  /** Counts the milliseconds since a batch last began, while every engine is busy: one that hangs makes all wait. */
  stalledMs(): number;
  /** Estimates the milliseconds until more work of this cost is prepared. Preparing goes on beside the engines. */
  preparationMs(cost: number): number;
  now(): number;
}

/** Measures work. `cost` is in the batcher's unit: tokens, for texts. */
export interface Work {
  items: number;
  cost: number;
  /** Tells whether it belongs to a request of more items than a batch holds. */
  isBulk: boolean;
}

interface Waiting extends Due {
  work: Work;
  enter(): void;
}

/**
 * Counts what was accepted and is not done. It refuses what could not be done in time, so that what it accepts can be: the
 * expected wait may take a share of the time that a request has left, see `waitingShare`. Work that finds nothing before it
 * may take all of its time.
 */
export class Backlog {
  readonly #options: BacklogOptions;
  #items = 0;
  #bulkCost = 0;
  #otherCost = 0;
  /** Has the deadline of each large request that was accepted and is not over. */
  readonly #bulkDeadlines = new Set<{ deadline: number }>();
  readonly #line: Waiting[] = [];

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Accepts work, all of it or none. @param deadline on the backlog's clock @throws EncoderError OVERLOADED */
  accept(work: Work, deadline: number): void {
    const { maxItems, msFor, stalledMs, preparationMs, now } = this.#options;
    const waitMs = this.waitMs();
    const isAlone = this.#items === 0 && stalledMs() === 0;
    if (!isAlone && this.#items + work.items > maxItems) {
      throw overloaded(`The queue is full (${maxItems} items).`, waitMs);
    }
    const leftMs = deadline - now();
    const doneMs = Math.max(msFor(this.#costUntil(work)) + stalledMs(), preparationMs(work.cost));
    if (doneMs > (isAlone ? leftMs : leftMs * waitingShare)) {
      const seconds = (ms: number) => (ms / 1000).toFixed(1);
      const reason = isAlone
        ? `This request would take about ${seconds(doneMs)} s and has ${seconds(leftMs)} s; send fewer items at a time.`
        : `The wait would be about ${seconds(doneMs)} s, too long for the ${seconds(leftMs)} s that this request has.`;
      throw overloaded(reason, waitMs);
    }
    this.add(work);
  }

  /**
   * Accepts work as soon as there is room, that of the oldest request first. Those who wait leave half of the room to those
   * who cannot, so that a bulk job never turns a service away from its users.
   * @param since when the work's request began @throws the signal's reason when aborted.
   */
  async enter(work: Work, { since, signal }: { since: number; signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (this.#line.length === 0 && this.#hasRoomForWaiting()) return this.add(work);
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#line.splice(this.#line.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        dueAt: since,
        work,
        enter() {
          signal.removeEventListener("abort", abort);
          resolve();
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      insertByDueTime(this.#line, waiting);
    });
  }

  /** Counts work that was accepted in another way. */
  add({ items, cost, isBulk }: Work): void {
    this.#items += items;
    if (isBulk) this.#bulkCost += cost;
    else this.#otherCost += cost;
  }

  /** Takes back work that was accepted: it is done, or will not be begun. */
  remove({ items, cost, isBulk }: Work): void {
    this.add({ items: -items, cost: -cost, isBulk });
    while (this.#line.length > 0 && this.#hasRoomForWaiting()) {
      const { work, enter } = this.#line.shift()!;
      this.add(work);
      enter();
    }
  }

  /** Estimates the milliseconds that everything accepted takes; 0 while that is not known. */
  waitMs(): number {
    return this.#options.msFor(this.#bulkCost + this.#otherCost) + this.#options.stalledMs();
  }

  /** Notes that a large request is open, which others may delay, but not beyond its deadline. @returns what ends that */
  openBulk(deadline: number): () => void {
    const bulk = { deadline };
    this.#bulkDeadlines.add(bulk);
    return () => this.#bulkDeadlines.delete(bulk);
  }

  /** Sums what is done until new work is: where that is not bulk, as much of bulk as of its own kind, while bulk has time. */
  #costUntil({ cost, isBulk }: Work): number {
    const { msFor, stalledMs, now } = this.#options;
    const others = this.#otherCost + cost;
    const all = others + this.#bulkCost;
    if (isBulk) return all;
    const allDoneAt = now() + bulkReserve * (msFor(all) + stalledMs());
    const mayDelayBulk = [...this.#bulkDeadlines].every(({ deadline }) => allDoneAt <= deadline);
    return mayDelayBulk ? others + Math.min(this.#bulkCost, others) : all;
  }

  #hasRoomForWaiting(): boolean {
    return this.#items < Math.ceil(this.#options.maxItems / 2);
  }
}
