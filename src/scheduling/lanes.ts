import { type Due, insertByDueTime } from "./due-order.ts";

/** Is a waiting line before a number of lanes. Each lane does one piece of work at a time. */
export interface Lanes {
  /**
   * Runs `work` when a lane is free and nothing else that waits is due earlier. An abort rejects the call at once: work that
   * still waits is dropped, and work that has begun ends unobserved.
   * @throws the signal's reason when aborted, or what `work` throws.
   */
  run<T>(work: () => Promise<T>, turn?: Turn): Promise<T>;
  /** So many pieces of work wait for a lane. */
  readonly waiting: number;
  /** Tells whether new work would have to wait. */
  readonly isBusy: boolean;
  /** Looks again whether work may begin. It must be called when `isOpen` has become true. */
  resume(): void;
  /** Rejects everything that waits. */
  clear(reason: unknown): void;
}

export interface LanesOptions {
  lanes: number;
  /** While this is false, no more work begins, although a lane is free. */
  isOpen?: () => boolean;
}

export interface Turn {
  /** Work that is due earlier goes first; work that is due at the same time goes in the order of arrival. */
  dueAt?: number | undefined;
  signal?: AbortSignal | undefined;
}

interface Waiting extends Due {
  begin(): void;
  drop(reason: unknown): void;
}

export function createLanes({ lanes, isOpen = () => true }: LanesOptions): Lanes {
  const line: Waiting[] = [];
  let running = 0;
  const mayBegin = () => running < lanes && isOpen();

  function resume(): void {
    while (line.length > 0 && mayBegin()) {
      running++;
      line.shift()!.begin();
    }
  }

  return {
    run<T>(work: () => Promise<T>, { dueAt = 0, signal }: Turn = {}): Promise<T> {
      if (signal?.aborted) return Promise.reject(signal.reason);
      return new Promise<T>((resolve, reject) => {
        const abort = () => {
          const place = line.indexOf(waiting);
          if (place >= 0) line.splice(place, 1);
          reject(signal?.reason);
        };
        const leave = () => signal?.removeEventListener("abort", abort);
        const waiting: Waiting = {
          dueAt,
          begin() {
            work()
              .then(resolve, reject)
              .finally(() => {
                leave();
                running--;
                resume();
              });
          },
          drop(reason) {
            leave();
            reject(reason);
          },
        };
        signal?.addEventListener("abort", abort, { once: true });
        insertByDueTime(line, waiting);
        resume();
      });
    },
    get waiting() {
      return line.length;
    },
    get isBusy() {
      return !mayBegin();
    },
    resume,
    clear(reason) {
      for (const waiting of line.splice(0)) waiting.drop(reason);
    },
  };
}
