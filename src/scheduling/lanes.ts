import { type Due, insertByDueTime } from "./due-order.ts";

/** Keeps a waiting line before a number of lanes. Each lane does one piece of work at a time. */
export interface Lanes {
  /**
   * Runs `work` when a lane is free and nothing else that waits is due earlier. An abort rejects the call at once: work that
   * still waits is dropped, and work that has begun ends unobserved.
   * @throws the signal's reason when aborted, or what `work` throws.
   */
  run<T>(work: () => Promise<T>, turn?: Turn): Promise<T>;
  readonly waiting: number;
  /** Tells whether new work would have to wait. */
  readonly isBusy: boolean;
  /** Looks again whether work may begin. It must be called when `isOpen` has become true. */
  resume(): void;
  clear(reason: unknown): void;
}

export interface LanesOptions {
  lanes: number;
  /** Further lanes, which only work that stands alone may take beside work that is one of many. */
  spareLanes?: number;
  /** While it gives false, no more work begins, although a lane is free. */
  isOpen?: () => boolean;
}

export interface Turn {
  /** Work that is due earlier goes first; work that is due at the same time goes in the order of arrival. */
  dueAt?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Tells whether the work is one piece of many that were asked for together. */
  isOneOfMany?: boolean | undefined;
}

interface Waiting extends Due {
  isOneOfMany: boolean;
  begin(): void;
  drop(reason: unknown): void;
}

export function createLanes({ lanes, spareLanes = 0, isOpen = () => true }: LanesOptions): Lanes {
  const line: Waiting[] = [];
  let running = 0;
  let runningOfMany = 0;

  function mayBegin({ isOneOfMany }: { isOneOfMany: boolean }): boolean {
    const open = !isOneOfMany && runningOfMany > 0 ? lanes + spareLanes : lanes;
    return running < open && isOpen();
  }

  function resume(): void {
    for (let next = line.findIndex(mayBegin); next >= 0; next = line.findIndex(mayBegin)) {
      const [waiting] = line.splice(next, 1);
      running++;
      if (waiting!.isOneOfMany) runningOfMany++;
      waiting!.begin();
    }
  }

  return {
    run<T>(work: () => Promise<T>, { dueAt = 0, signal, isOneOfMany = false }: Turn = {}): Promise<T> {
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
          isOneOfMany,
          begin() {
            work()
              .then(resolve, reject)
              .finally(() => {
                leave();
                running--;
                if (isOneOfMany) runningOfMany--;
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
      return !mayBegin({ isOneOfMany: true });
    },
    resume,
    clear(reason) {
      for (const waiting of line.splice(0)) waiting.drop(reason);
    },
  };
}
