import type { Engine } from "../engine/contract.ts";
import { speedup } from "../engine/layout.ts";
import { Pace } from "../scheduling/pace.ts";

/** What runs batches. Two of one engine never do so at the same time. */
export interface PooledEngine {
  engine: Engine;
  /** So many threads work on a batch: all that the engine has, or one of them. */
  threads: number;
  run: Engine["run"];
}

export interface LentEngine {
  run: Engine["run"];
  /** The share of a full batch that suits the engine. */
  share: number;
  /** So many of the waiting items leave the other engines that may begin as many. */
  evenly: number;
  /** Records that a batch of this cost took so long while others waited. */
  measure(cost: number, ms: number): void;
  giveBack(): void;
}

/** Holds the engines that have the same number of threads at work. */
interface Kind {
  threads: number;
  engines: PooledEngine[];
  pace: Pace;
  /** Counts its batches that were measured, as far as they count as trials. */
  measured: number;
  /** Counts batches of the other kind since its own last one. */
  unused: number;
}

/** A trial of one kind has so many batches: single ones vary by a fifth. */
const trialBatches = 8;
/** Kinds are tried in turns, each so many times: the first trial finds a process that is still warming up. */
const trials = 2;
/** The kind that lost is tried again after so many batches, and after twice as many each time: it may have had bad luck. */
const firstPatience = 64;

/** Every engine keeps the memory of its largest batch, and one that the others take over from has few to run. */
const shareBesideOthers = 0.5;

export interface EnginePoolOptions {
  engines: readonly PooledEngine[];
  cores: number;
  /** Engines of fewer threads will be added. */
  awaitsOthers: boolean;
  now: () => number;
}

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
  readonly #atWork = new Set<Engine>();
  /** Holds what was added later until it has run a batch: with the first it opens its graph and takes its memory. */
  readonly #cold = new Set<PooledEngine>();
  #awaitsOthers: boolean;
  #freeCores: number;
  #patience = firstPatience;

  constructor({ engines, cores, awaitsOthers, now }: EnginePoolOptions) {
    this.#now = now;
    this.#freeCores = cores;
    this.#awaitsOthers = awaitsOthers;
    for (const engine of engines) this.add(engine);
    this.#cold.clear();
  }

  /** Adds an engine, which is lent after those of as many threads that came before it. */
  add(engine: PooledEngine): void {
    const { threads } = engine;
    let kind = this.#kinds.find((it) => it.threads === threads);
    if (!kind) {
      kind = { threads, engines: [], pace: new Pace(1, this.#now), measured: 0, unused: 0 };
      this.#kinds.push(kind);
      this.#kinds.sort((a, b) => a.threads - b.threads);
    }
    kind.engines.push(engine);
    kind.pace = new Pace(kind.engines.length, this.#now);
    kind.measured = 0;
    this.#cold.add(engine);
  }

  /** Those that were awaited could not be started. */
  awaitNoOthers(): void {
    this.#awaitsOthers = this.#kinds.length > 1;
  }

  /** Counts the engines that work side by side when items wait. */
  get size(): number {
    return this.#forLoad().engines.length;
  }

  /** Tells whether an engine could begin now. */
  get isFree(): boolean {
    return this.#idle(this.#forLoad()).length > 0;
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
    const kind = atHand <= most.engines.length * speedup(most.threads) ? most : this.#forLoad();
    const idle = this.#idle(kind);
    if (idle.length === 0) return undefined;
    const lent = idle[0]!;
    const { engine, threads, run } = lent;
    this.#freeCores -= threads;
    this.#atWork.add(engine);
    return {
      run,
      share: threads === most.threads && this.#awaitsOthers ? shareBesideOthers / threads : threads / most.threads,
      evenly: Math.ceil(waiting / idle.length),
      measure: (cost, ms) => {
        if (this.#cold.delete(lent)) return;
        kind.pace.measure(cost, ms);
        kind.measured++;
        kind.unused = 0;
        for (const other of this.#kinds) if (other !== kind) this.#passOver(other);
      },
      giveBack: () => {
        this.#freeCores += threads;
        this.#atWork.delete(engine);
      },
    };
  }

  /** Gives the engines of a kind that could begin now. */
  #idle({ engines, threads }: Kind): PooledEngine[] {
    const idle = engines.filter(({ engine }) => !this.#atWork.has(engine));
    return idle.slice(0, Math.floor(this.#freeCores / threads));
  }

  /** Notes that another kind was used, and has this one tried again in the end. */
  #passOver(kind: Kind): void {
    if (++kind.unused < this.#patience) return;
    kind.unused = 0;
    this.#patience *= 2;
    tryAgain(kind);
  }

  /** Gives the kind that does more in all, or one of which that is to be found out. */
  #forLoad(): Kind {
    if (this.#kinds.length === 1) return this.#kinds[0]!;
    for (const kind of this.#kinds) if (kind.pace.msFor(1) === 0) tryAgain(kind); // it was forgotten
    const trialsOf = ({ measured }: Kind) => Math.floor(measured / trialBatches);
    const least = this.#kinds.reduce((least, kind) => (trialsOf(kind) < trialsOf(least) ? kind : least));
    if (trialsOf(least) < trials) return least;
    return this.#kinds.reduce((best, kind) => (kind.pace.msFor(1) < best.pace.msFor(1) ? kind : best));
  }
}

/** Leaves a kind one more trial to pass. */
function tryAgain(kind: Kind): void {
  kind.measured = Math.min(kind.measured, (trials - 1) * trialBatches);
}
