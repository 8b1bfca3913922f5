import { EncoderError } from "../errors.ts";

/** At most `count` at a time; the others wait in order, at most `maxWaiting` of them. */
export function createSlots(count: number, maxWaiting: number) {
  let free = count;
  const waiting: (() => void)[] = [];
  const release = () => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };
  return {
    async take(signal: AbortSignal): Promise<() => void> {
      signal.throwIfAborted();
      if (free > 0) {
        free--;
        return release;
      }
      if (waiting.length >= maxWaiting) {
        throw new EncoderError("OVERLOADED", "Too many image URLs wait to be fetched.", { retryAfterSeconds: 1 });
      }
      await new Promise<void>((resolve, reject) => {
        const abort = () => {
          waiting.splice(waiting.indexOf(resume), 1);
          reject(signal.reason);
        };
        const resume = () => {
          signal.removeEventListener("abort", abort);
          resolve();
        };
        signal.addEventListener("abort", abort, { once: true });
        waiting.push(resume);
      });
      return release;
    },
  };
}
