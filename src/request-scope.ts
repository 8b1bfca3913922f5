import { setMaxListeners } from "node:events";

/** One request's life: ends when its caller aborts, or when the request itself gives up. */
export interface RequestScope {
  signal: AbortSignal;
  /** The promise's result, unless the scope ends first. */
  until<T>(promise: Promise<T>): Promise<T>;
  end(): void;
}

export function requestScope(caller: AbortSignal | undefined): RequestScope {
  const ended = new AbortController();
  const signal = caller ? AbortSignal.any([caller, ended.signal]) : ended.signal;
  setMaxListeners(0, signal); // as many as the request has items
  return {
    signal,
    end: () => ended.abort(),
    until: (promise) =>
      new Promise((resolve, reject) => {
        const onAbort = () => reject(signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        // In any case, or the promise's own failure, which comes later, would find nobody and end the process.
        promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
        if (signal.aborted) onAbort();
      }),
  };
}

/** Maps with at most `ahead` items at work; the first failure ends it. */
export async function mapAhead<T, R>(items: readonly T[], ahead: number, work: (item: T, index: number) => Promise<R>) {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await work(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(ahead, items.length) }, lane));
  return results;
}
