import type { Config } from "../config.ts";
import { EncoderError } from "../errors.ts";

/**
 * Lets fetches begin: so many at a time, and none while the images fetched before hold too much memory. At most
 * MAX_FETCHED_BYTES and one largest image per running fetch are held.
 */
export interface FetchQueue {
  /** Waits for a turn. @throws EncoderError OVERLOADED where too many wait; the signal's reason when aborted. */
  begin(signal?: AbortSignal): Promise<void>;
  /** The turn is over, and left these bytes, which count until `forget`. */
  end(bytes: number): void;
  forget(bytes: number): void;
}

export type FetchQueueOptions = Pick<Config, "fetchConcurrency" | "maxFetchQueue" | "maxFetchedBytes">;

export function createFetchQueue({ fetchConcurrency, maxFetchQueue, maxFetchedBytes }: FetchQueueOptions): FetchQueue {
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
    async begin(signal) {
      signal?.throwIfAborted();
      if (waiting.length >= maxFetchQueue && !hasRoom()) {
        throw new EncoderError("OVERLOADED", "Too many image URLs wait to be fetched.", { retryAfterSeconds: 1 });
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
    end(bytes) {
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
