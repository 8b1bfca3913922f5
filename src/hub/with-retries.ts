import { EncoderError } from "../errors.ts";
import type { Hub } from "./hub.ts";

const firstDelayMs = 500;
const longestDelayMs = 30_000;
/** A server that asks for more than this is not worth waiting for. */
const longestRetryAfterSeconds = 300;

/** Makes the error of a failure that may pass: it carries the seconds after which another try makes sense. */
export function transient(message: string, details: { cause?: unknown; retryAfterSeconds?: number } = {}) {
  return new EncoderError("HUB_FAILED", message, { retryAfterSeconds: 0, ...details });
}

/**
 * Repeats what failed in passing, after 0.5 s, 1 s, 2 s … 30 s, each shortened at random by up to half so that many
 * clients do not come back at once, and never before the server's Retry-After.
 * @param attempt is given a function to call at each progress, after which the count of tries starts again.
 */
export async function withRetries<T>(
  { hub, signal }: { hub: Hub; signal: AbortSignal | undefined },
  attempt: (progressed: () => void) => Promise<T>,
): Promise<T> {
  let failures = 0;
  const progressed = () => {
    failures = 0;
  };
  for (;;) {
    try {
      return await attempt(progressed);
    } catch (error) {
      signal?.throwIfAborted();
      const retryAfterSeconds = error instanceof EncoderError ? error.retryAfterSeconds : undefined;
      failures++;
      const isHopeless = retryAfterSeconds === undefined || retryAfterSeconds > longestRetryAfterSeconds;
      if (isHopeless || failures >= hub.attempts) throw error;
      const delayMs = Math.min(firstDelayMs * 2 ** (failures - 1), longestDelayMs) * (0.5 + Math.random() / 2);
      await hub.wait(Math.max(delayMs, retryAfterSeconds * 1000), signal);
    }
  }
}
