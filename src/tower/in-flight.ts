/**
 * Computes identical inputs that are in flight at the same time once. The work is aborted only when everybody who
 * waits for it has lost interest.
 */
export interface Share<T> {
  result: Promise<T>;
  /** Must be called when the caller no longer waits; after the result it does nothing. */
  release(): void;
}

interface Work<T> {
  result: Promise<T>;
  abort: AbortController;
  waiting: number;
  isSettled: boolean;
}

export class InFlight<T> {
  readonly #works = new Map<string, Work<T>>();

  has(key: string): boolean {
    return this.#works.has(key);
  }

  join(key: string, start: (signal: AbortSignal) => Promise<T>): Share<T> {
    const work = this.#works.get(key) ?? this.#begin(key, start);
    work.waiting++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      if (--work.waiting > 0 || work.isSettled) return; // an abort costs more than it looks, and has nobody to tell
      if (this.#works.get(key) === work) this.#works.delete(key);
      work.abort.abort();
    };
    return { result: work.result, release };
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): Work<T> {
    const abort = new AbortController();
    const result = start(abort.signal);
    const work: Work<T> = { result, abort, waiting: 0, isSettled: false };
    this.#works.set(key, work);
    const forget = () => {
      work.isSettled = true;
      if (this.#works.get(key) === work) this.#works.delete(key);
    };
    result.then(forget, forget);
    return work;
  }
}
