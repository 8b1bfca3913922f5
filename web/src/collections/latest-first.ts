export type Run = <T>(task: () => Promise<T>, isWanted: () => boolean) => Promise<T | undefined>;

/**
 * Runs tasks a few at a time. What was asked last is on the screen now, so it comes first; what is no longer wanted when its
 * turn comes is left out, and gives undefined.
 */
export function createLatestFirst(lanes: number): Run {
  const waiting: (() => Promise<void>)[] = [];
  let running = 0;

  async function work(): Promise<void> {
    if (running >= lanes) return;
    running++;
    for (let next = waiting.pop(); next; next = waiting.pop()) await next();
    running--;
  }

  return (task, isWanted) =>
    new Promise((resolve, reject) => {
      waiting.push(async () => {
        if (!isWanted()) return resolve(undefined);
        await task().then(resolve, reject);
      });
      queueMicrotask(work); // so that those that are asked for together are all there when the first begins
    });
}
