/** Weight of the latest measurement: a change of pace is believed after some ten of them. */
const latestWeight = 0.2;
/** What a measurement counts for at most, times what was believed: one image that is hard to decode says little about others. */
const mostGrowth = 3;
/** After it a measurement says nothing about now: a pace that was slow for a while must not keep work away for ever. */
const forgottenAfterMs = 60_000;

/**
 * What a wait that is expected may take of a request's time. The rest is for what nobody knows beforehand, such as the other
 * tower, or another program, taking the cores: what was accepted is still done in time by a machine that does a third.
 */
export const waitingShare = 1 / 3;

/** How long work in a queue will take, told from how long such work took lately. */
export class Pace {
  readonly #lanes: number;
  readonly #now: () => number;
  #msPerCost = 0;
  #measuredAt = Number.NEGATIVE_INFINITY;

  /** @param lanes how many work side by side @param now milliseconds of a clock that never jumps */
  constructor(lanes: number, now: () => number) {
    this.#lanes = lanes;
    this.#now = now;
  }

  /** Work of this cost has taken one lane this long. */
  measure(cost: number, ms: number): void {
    const latest = ms / cost;
    const before = this.#isKnown() ? this.#msPerCost : latest;
    this.#msPerCost = before + latestWeight * (Math.min(latest, mostGrowth * before) - before);
    this.#measuredAt = this.#now();
  }

  /** Milliseconds that all lanes together need for work of this cost; 0 while nothing is known. */
  msFor(cost: number): number {
    return this.#isKnown() ? (cost * this.#msPerCost) / this.#lanes : 0;
  }

  #isKnown(): boolean {
    return this.#now() - this.#measuredAt <= forgottenAfterMs;
  }
}
