import { EncoderError } from "../../errors.ts";

/** Bounds the memory for files that were read and are not encoded yet. */
export interface Budget {
  /**
   * Waits, in order, until that many bytes are free; what is larger than the whole budget goes alone.
   * @returns a function that gives them back
   */
  take(bytes: number, signal: AbortSignal): Promise<() => void>;
}

export function createBudget(totalBytes: number): Budget {
  let held = 0;
  const waiting: { bytes: number; start(): void }[] = [];
  const next = () => {
    while (waiting[0] && (held === 0 || held + waiting[0].bytes <= totalBytes)) {
      const { bytes, start } = waiting.shift()!;
      held += bytes;
      start();
    }
  };
  return {
    async take(bytes, signal) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const abort = () => {
          waiting.splice(waiting.indexOf(turn), 1);
          reject(signal.reason);
          next();
        };
        const start = () => {
          signal.removeEventListener("abort", abort);
          resolve();
        };
        const turn = { bytes, start };
        signal.addEventListener("abort", abort, { once: true });
        waiting.push(turn);
        next();
      });
      let isHeld = true;
      return () => {
        if (!isHeld) throw new EncoderError("INTERNAL", "Bytes were given back twice.");
        isHeld = false;
        held -= bytes;
        next();
      };
    },
  };
}
