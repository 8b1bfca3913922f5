import type { Engine } from "../engine/contract.ts";
import { speedup } from "../engine/layout.ts";
import { Pace } from "../scheduling/pace.ts";

export interface PooledEngine {
  engine: Engine;
  threads: number;
}

export interface LentEngine {
  engine: Engine;
  /** The share of a full batch that suits the engine, so that full batches take the same time on all of them. */
  share: number;
  /** So many of the waiting items leave the other engines that may begin as many. */
  evenly: number;
  /** Records that a batch of this cost took so long while others waited. */
  measure(cost: number, ms: number): void;
  giveBack(): void;
}

/** Holds the engines that have the same number of threads. */
interface Kind {
  threads: number;
  count: number;
  idle: Engine[];
  pace: Pace;
  measured: number;
}

/** After so many batches a kind's pace is believed, until it is forgotten: single ones vary by a fifth. */
const trialBatches = 8;

/**
 * Lends engines of one graph, so that those at work have no more threads than there are cores. Few items get engines of
 * most threads, which have each of them done soonest. When there are more, the kind takes over that does more in all:
 * mostly the one of fewest threads, since these do not wait for one another. But two threads on one core with one cache may
 * do more on the same batch, so both kinds are measured.
 */
export class EnginePool {
  readonly #now: () => number;
  /** Sorted by threads, the fewest first. */
  readonly #kinds: Kind[] = [];
  #freeCores: number;

  constructor(options: { engines: readonly PooledEngine[]; cores: number; now: () => number }) {
    this.#now = options.now;
    this.#freeCores = options.cores;
    for (const engine of options.engines) this.add(engine);
  }

  add({ engine, threads }: PooledEngine): void {
    let kind = this.#kinds.find((it) => it.threads === threads);
    if (!kind) {
      kind = { threads, count: 0, idle: [], pace: new Pace(1, this.#now), measured: 0 };
      this.#kinds.push(kind);
      this.#kinds.sort((a, b) => a.threads - b.threads);
    }
    kind.idle.push(engine);
    kind.count++;
    kind.pace = new Pace(kind.count, this.#now);
    kind.measured = 0;
  }

  /** Counts the engines that work side by side when items wait. */
  get size(): number {
    return this.#forLoad().count;
  }

  /** Tells whether an engine could begin now. */
  get isFree(): boolean {
    return this.#free(this.#forLoad()) > 0;
  }

  /** Estimates the milliseconds that waiting work of this cost takes; 0 while that is not known. */
  msFor(cost: number): number {
    const known = [this.#forLoad(), ...this.#kinds].find(({ pace }) => pace.msFor(1) > 0);
    return known?.pace.msFor(cost) ?? 0;
  }

  /**
   * Lends an engine for the first of `waiting` items, if one may begin.
   * @param atHand counts the items that wait or are being run, or have just been: their callers may come again at once
   */
  lend(waiting: number, atHand: number): LentEngine | undefined {
    const most = this.#kinds.at(-1)!;
    const kind = atHand <= most.count * speedup(most.threads) ? most : this.#forLoad();
    const free = this.#free(kind);
    if (free === 0) return undefined;
    const engine = kind.idle.pop()!;
    this.#freeCores -= kind.threads;
    return {
      engine,
      share: kind.threads / most.threads,
      evenly: Math.ceil(waiting / free),
      measure: (cost, ms) => {
        kind.pace.measure(cost, ms);
        kind.measured++;
      },
      giveBack: () => {
        kind.idle.push(engine);
        this.#freeCores += kind.threads;
      },
    };
  }

  /** Counts the engines of a kind that could begin now. */
  #free({ idle, threads }: Kind): number {
    return Math.min(idle.length, Math.floor(this.#freeCores / threads));
  }

  /** Gives the kind that does more in all, or one of which that is to be found out. */
  #forLoad(): Kind {
    if (this.#kinds.length === 1) return this.#kinds[0]!;
    for (const kind of this.#kinds) if (kind.pace.msFor(1) === 0) kind.measured = 0; // it was forgotten
    const untried = this.#kinds.find(({ measured }) => measured < trialBatches);
    return untried ?? this.#kinds.reduce((best, kind) => (kind.pace.msFor(1) < best.pace.msFor(1) ? kind : best));
  }
}
