import { setMaxListeners } from "node:events";
import type { Share } from "./in-flight.ts";

/** Covers one request from beginning to end: it ends when its caller aborts, or when the request is over. */
export interface RequestScope {
  signal: AbortSignal;
  /** Gives a share's result, unless the scope ends first. Either way the share is released. */
  until<T>(share: Share<T>): Promise<T>;
  /** Gives up everything that still goes on. It must be called in any case. @param reason for whoever still waits */
  end(reason?: unknown): void;
}

/** All requests share this reason: making an error for each would cost more than ending it. */
const isOver = new DOMException("The request is over.", "AbortError");

export function requestScope(caller: AbortSignal | undefined): RequestScope {
  const ended = new AbortController();
  const signal = caller ? AbortSignal.any([caller, ended.signal]) : ended.signal;
  setMaxListeners(0, signal); // there are as many listeners as the request has items
  const givingUp = new Set<() => void>();
  // One listener serves all shares, since one for each would cost more than all else. It must not stay: it would keep the
  // signal, and what hangs on it, for ever.
  const giveUpAll = () => {
    for (const giveUp of givingUp) giveUp();
  };
  signal.addEventListener("abort", giveUpAll, { once: true });
  return {
    signal,
    end: (reason = isOver) => ended.abort(reason),
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
        // Listens even after giving up: a share that fails later would otherwise be an unhandled rejection.
        result.then(resolve, reject).finally(over);
        if (signal.aborted) giveUp();
      }),
  };
}
