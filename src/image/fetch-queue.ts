import type { EncoderConfig } from "../config/encoder.ts";
import { overloaded } from "../errors.ts";
import { Pace, waitingShare } from "../scheduling/pace.ts";

/**
 * Lets fetches begin: so many at a time, and none while the images fetched before hold too much memory. At most
 * MAX_FETCHED_BYTES and one largest image per running fetch are held.
 */
export interface FetchQueue {
  /**
   * Waits for a turn.
   * @throws EncoderError OVERLOADED where too many wait, or the wait would take too much of what the deadline leaves;
   * the signal's reason when aborted.
   */
  begin(wanted?: FetchWanted): Promise<void>;
  /** The turn is over. It took so long and left these bytes, which count until `forget`. */
  end(fetched: { bytes: number; ms: number }): void;
  forget(bytes: number): void;
}

export interface FetchWanted {
  signal?: AbortSignal | undefined;
  /** In `performance.now()` milliseconds. */
  deadline?: number | undefined;
}

export type FetchQueueOptions = Pick<EncoderConfig, "fetchConcurrency" | "maxFetchQueue" | "maxFetchedBytes">;

export function createFetchQueue({ fetchConcurrency, maxFetchQueue, maxFetchedBytes }: FetchQueueOptions): FetchQueue {
  const pace = new Pace(fetchConcurrency, () => performance.now());
  let running = 0;
  let heldBytes = 0;
  const waiting: (() => void)[] = [];
  const hasRoom = () => running < fetchConcurrency && heldBytes < maxFetchedBytes;
  const next = () => {
    while (waiting.length > 0 && hasRoom()) {
      running++;
      waiting.shift()!();
    }
  };
  return {
    async begin({ signal, deadline = Number.POSITIVE_INFINITY } = {}) {
      signal?.throwIfAborted();
      const waitMs = pace.msFor(waiting.length);
      const isLate = waitMs > (deadline - performance.now()) * waitingShare;
      if (!hasRoom() && (isLate || waiting.length >= maxFetchQueue)) {
        throw overloaded("Too many image URLs wait to be fetched.", waitMs);
      }
      await new Promise<void>((resolve, reject) => {
        const abort = () => {
          waiting.splice(waiting.indexOf(start), 1);
          reject(signal?.reason);
        };
        const start = () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        };
        signal?.addEventListener("abort", abort, { once: true });
        waiting.push(start);
        next();
      });
    },
    end({ bytes, ms }) {
      pace.measure(1, ms);
      running--;
      heldBytes += bytes;
      next();
    },
    forget(bytes) {
      heldBytes -= bytes;
      next();
    },
  };
}
