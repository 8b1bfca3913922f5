/**
 * Runs one piece of work after another, for work that holds a thread of the process's small pool (libuv's, of four): it may
 * hold one, and others find the rest free.
 */
export function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
}
