import { setMaxListeners } from "node:events";

/** One request's life: ends when its caller aborts, or when the request itself gives up. */
export interface RequestScope {
  signal: AbortSignal;
  /** A share's result, unless the scope ends first; releases the share in any case. */
  until<T>(share: { result: Promise<T>; release(): void }): Promise<T>;
  /** To be called in any case: what still goes on is given up. */
  end(): void;
}

/** One for all: an error of its own for each request would cost more than ending it. */
const isOver = new DOMException("The request is over.", "AbortError");

export function requestScope(caller: AbortSignal | undefined): RequestScope {
  const ended = new AbortController();
  const signal = caller ? AbortSignal.any([caller, ended.signal]) : ended.signal;
  setMaxListeners(0, signal); // as many as the request has items
  const givingUp = new Set<() => void>();
  // One listener for all shares: a listener each would cost more than the rest. One that stayed would keep the signal for ever.
  const giveUpAll = () => {
    for (const giveUp of givingUp) giveUp();
  };
  signal.addEventListener("abort", giveUpAll, { once: true });
  return {
    signal,
    end: () => ended.abort(isOver),
    until: ({ result, release }) =>
      new Promise((resolve, reject) => {
        const over = () => {
          givingUp.delete(giveUp);
          release();
        };
        const giveUp = () => {
          reject(signal.reason);
          over();
        };
        givingUp.add(giveUp);
        // In any case, or the share's own failure, which comes later, would find nobody and end the process.
        result.then(resolve, reject).finally(over);
        if (signal.aborted) giveUp();
      }),
  };
}

/** @param turn `waitedMs`: since the first item's */
type Work<T, R> = (item: T, turn: { index: number; waitedMs: number }) => Promise<R>;

/** Maps with at most `ahead` items at work; the first failure ends it. */
export async function mapAhead<T, R>(items: readonly T[], ahead: number, work: Work<T, R>): Promise<R[]> {
  const startedAt = performance.now();
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await work(items[index]!, { index, waitedMs: performance.now() - startedAt });
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(ahead, items.length) }, lane));
  return results;
}
