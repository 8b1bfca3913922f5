/** This is about the time of one batch. */
const turnMs = 20;

export interface DueTimesOptions {
  items: number;
  now: number;
  /** This is in milliseconds of `now`'s clock; Infinity means that there is none. */
  deadline: number;
}

/**
 * Tells when a request's items are due, by their position. Requests take turns: of several items, one is due every now
 * and then, so that a request of thousands does not hold up a single item. All are due within a quarter of the
 * request's time, however many they are: after that, nothing that arrives later goes first, and the rest of the time is
 * enough (see Backlog).
 */
export function dueTimes({ items, now, deadline }: DueTimesOptions): (position: number) => number {
  const everyMs = Math.min(turnMs, Math.max(0, deadline - now) / 4 / items);
  return (position) => now + position * everyMs;
}
