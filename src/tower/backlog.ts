import { overloaded } from "../errors.ts";
import { waitingShare } from "../scheduling/pace.ts";

/**
 * What was accepted and is not done yet. It refuses what could not be done in time, so that what it accepts can be: the wait
 * that is expected may take a share of the time that a request has left, see `waitingShare`. What finds nothing before it may
 * take all of its time.
 */
export interface BacklogOptions {
  /** Items accepted at the same time; a request that is alone is let in whatever its size. */
  maxItems: number;
  /** Milliseconds that work of this cost takes from its start; 0 while that is not known. */
  msFor(cost: number): number;
  /** Milliseconds since something was last begun, while nothing more can be: an engine that hangs makes everybody wait. */
  stalledMs(): number;
  now(): number;
}

/** `cost` as the batcher counts it. */
export interface Work {
  items: number;
  cost: number;
}

export interface PlaceOptions {
  /** On the backlog's clock; without one there is always time. */
  deadline?: number | undefined;
  /** Milliseconds that it takes to prepare work of this cost, beside what the engines do meanwhile. */
  preparationMs?: ((cost: number) => number) | undefined;
}

/** One request's share of the backlog. */
export interface Place {
  /** Accepts work that the request is about to begin, all of it or none. @throws EncoderError OVERLOADED */
  book(work: Work): void;
  /** One item of what was booked is no longer to come: it was begun, or needs no work. */
  use(cost: number): void;
  /** Nothing more is to come. */
  close(): void;
}

export class Backlog {
  readonly #options: BacklogOptions;
  #items = 0;
  #cost = 0;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Counts an item that is being worked on, until the function it returns is called. */
  begin(cost: number): () => void {
    this.#add(1, cost);
    return () => this.#add(-1, -cost);
  }

  open({ deadline = Number.POSITIVE_INFINITY, preparationMs = () => 0 }: PlaceOptions): Place {
    let items = 0;
    let cost = 0;
    const change = (moreItems: number, moreCost: number) => {
      items += moreItems;
      cost += moreCost;
      this.#add(moreItems, moreCost);
    };
    return {
      book: (work) => {
        this.#requireRoom(work, deadline, preparationMs);
        change(work.items, work.cost);
      },
      use: (used) => change(-Math.min(1, items), -Math.min(used, cost)),
      close: () => change(-items, -cost),
    };
  }

  #requireRoom(work: Work, deadline: number, preparationMs: (cost: number) => number): void {
    const { maxItems, msFor, stalledMs, now } = this.#options;
    const waitMs = msFor(this.#cost) + stalledMs();
    const isAlone = this.#items === 0 && stalledMs() === 0;
    if (!isAlone && this.#items + work.items > maxItems) {
      throw overloaded(`The queue is full (${maxItems} items).`, waitMs);
    }
    const leftMs = deadline - now();
    const doneMs = Math.max(msFor(this.#cost + work.cost) + stalledMs(), preparationMs(work.cost));
    if (doneMs <= (isAlone ? leftMs : leftMs * waitingShare)) return;
    const seconds = (ms: number) => (ms / 1000).toFixed(1);
    const reason = isAlone
      ? `This request would take about ${seconds(doneMs)} s and has ${seconds(leftMs)} s; send fewer items at a time.`
      : `The wait would be about ${seconds(doneMs)} s, too long for the ${seconds(leftMs)} s that this request has.`;
    throw overloaded(reason, waitMs);
  }

  #add(items: number, cost: number): void {
    this.#items += items;
    this.#cost += cost;
  }
}
