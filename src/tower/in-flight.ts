/** Holds one caller's part in work that several callers may wait for. */
export interface Share<T> {
  result: Promise<T>;
  /** Tells that the caller no longer waits. After the result it does nothing. */
  release(): void;
}

interface SharedWork<T> {
  result: Promise<T>;
  abort: AbortController;
  waiting: number;
  isSettled: boolean;
}

/** Does equal work that is asked for at the same time once. It is aborted when the last of its callers has lost interest. */
export class InFlight<T> {
  readonly #works = new Map<string, SharedWork<T>>();

  has(key: string): boolean {
    return this.#works.has(key);
  }

  /** @param key the same for equal work @param start called unless such work is under way */
  join(key: string, start: (signal: AbortSignal) => Promise<T>): Share<T> {
    const work = this.#works.get(key) ?? this.#begin(key, start);
    work.waiting++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      if (--work.waiting > 0 || work.isSettled) return; // an abort is dear, and here it would reach nobody
      if (this.#works.get(key) === work) this.#works.delete(key);
      work.abort.abort();
    };
    return { result: work.result, release };
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): SharedWork<T> {
    const abort = new AbortController();
    const result = start(abort.signal);
    const work: SharedWork<T> = { result, abort, waiting: 0, isSettled: false };
    this.#works.set(key, work);
    const forget = () => {
      work.isSettled = true;
      if (this.#works.get(key) === work) this.#works.delete(key);
    };
    result.then(forget, forget);
    return work;
  }
}
