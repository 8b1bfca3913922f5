/**
 * Runs one piece of work after another. It is for work that takes what others need too, such as a thread of libuv's
 * small pool (then it holds one, and others find the rest free) or a turn of the event loop.
 */
export function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
}
