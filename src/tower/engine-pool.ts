import type { Engine } from "../engine/contract.ts";

export interface PooledEngine {
  engine: Engine;
  threads: number;
}

export interface LentEngine {
  engine: Engine;
  /** Gives the share of a full batch that suits the engine, so that full batches take the same time on all of them. */
  share: number;
  /** Tells whether it is one of those that work side by side under load. */
  isForLoad: boolean;
  giveBack(): void;
}

/**
 * Lends engines of one graph. Those at work have no more threads than there are cores. Engines of many threads are for
 * items that find as many cores free; under load, those of few threads do more in all.
 */
export class EnginePool {
  /** Sorted by threads, the fewest first. */
  readonly #idle: PooledEngine[] = [];
  #fewest = Number.POSITIVE_INFINITY;
  #most = 0;
  #size = 0;
  #freeCores: number;

  constructor(engines: readonly PooledEngine[], cores: number) {
    this.#freeCores = cores;
    this.add(engines);
  }

  /** Adds engines, all of them with as many threads as those that are there, or all with fewer. */
  add(engines: readonly PooledEngine[]): void {
    for (const engine of engines) this.#putBack(engine);
    const threads = engines.map((engine) => engine.threads);
    this.#fewest = Math.min(this.#fewest, ...threads);
    this.#most = Math.max(this.#most, ...threads);
    this.#size = threads.filter((it) => it === this.#fewest).length;
  }

  /** Counts the engines that work side by side under load. */
  get size(): number {
    return this.#size;
  }

  /** Counts the engines for load that could begin now. */
  get free(): number {
    const idle = this.#idle.filter(({ threads }) => threads === this.#fewest).length;
    return Math.min(idle, Math.floor(this.#freeCores / this.#fewest));
  }

  /**
   * Lends an engine for the first of `waiting` items, if one may begin.
   * @param turn `foundFree` tells whether the last of these items has just come, and not had to wait for a core
   */
  lend(waiting: number, turn: { foundFree: boolean }): LentEngine | undefined {
    const isQuiet = turn.foundFree && waiting * this.#most <= this.#freeCores;
    const lent = isQuiet ? this.#idle.at(-1) : this.#idle[0];
    if (!lent || lent.threads > this.#freeCores) return undefined;
    this.#idle.splice(this.#idle.indexOf(lent), 1);
    this.#freeCores -= lent.threads;
    return {
      engine: lent.engine,
      share: lent.threads / this.#most,
      isForLoad: lent.threads === this.#fewest,
      giveBack: () => {
        this.#putBack(lent);
        this.#freeCores += lent.threads;
      },
    };
  }

  #putBack(engine: PooledEngine): void {
    const place = this.#idle.findIndex(({ threads }) => threads >= engine.threads);
    this.#idle.splice(place < 0 ? this.#idle.length : place, 0, engine);
  }
}
