/** The latest measurement has this weight: a change of pace is believed after some ten of them. */
export const latestWeight = 0.2;
/** A measurement counts for at most this many times what was believed: one image that is hard to decode says little about others. */
const mostGrowth = 3;
/** A measurement this old says nothing about now: a pace that was slow for a while must not keep work away for ever. */
const forgottenAfterMs = 60_000;

/**
 * An expected wait may take this share of a request's time. The rest is for what nobody knows beforehand, such as the
 * other tower, or another program, taking the cores: a machine that slows down to a third still keeps what was
 * promised.
 */
export const waitingShare = 1 / 3;

/** Bulk work has time for others while this many times what it is expected to take is left: short batches take longer. */
export const bulkReserve = 1.2;

/** Tells how long work in a queue will take, from how long such work took lately. */
export class Pace {
  readonly #lanes: number;
  readonly #now: () => number;
  #msPerCost = 0;
  #measuredAt = Number.NEGATIVE_INFINITY;

  /** @param lanes how many pieces of work run side by side @param now milliseconds of a clock that never jumps */
  constructor(lanes: number, now: () => number = () => performance.now()) {
    this.#lanes = lanes;
    this.#now = now;
  }

  /** Records that work of this cost took one lane this many milliseconds. */
  measure(cost: number, ms: number): void {
    const latest = ms / cost;
    const before = this.#isKnown() ? this.#msPerCost : latest;
    this.#msPerCost = before + latestWeight * (Math.min(latest, mostGrowth * before) - before);
    this.#measuredAt = this.#now();
  }

  /** Estimates the milliseconds that all lanes together need for work of this cost; 0 while nothing is known. */
  msFor(cost: number): number {
    return this.#isKnown() ? (cost * this.#msPerCost) / this.#lanes : 0;
  }

  #isKnown(): boolean {
    return this.#now() - this.#measuredAt <= forgottenAfterMs;
  }
}
