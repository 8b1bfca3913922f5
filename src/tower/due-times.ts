/** One batch takes about this long. */
const turnMs = 20;
/** Single items go before an item of a large request that came this much earlier; that is many batches. */
const graceMs = 1_000;

export interface DueTimesOptions {
  items: number;
  /** When the request began. */
  since: number;
  now(): number;
  /** When its time is over, in milliseconds of the same clock; Infinity where it never is. */
  deadline: number;
  /** Tells whether the request has more items than a batch holds. */
  isBulk: boolean;
}

/**
 * Tells when a request's items are due, by their position. Requests take turns: of several items, one is due every now
 * and then, so that a request of thousands does not hold up a single item. All are due within a quarter of the
 * request's time, however many they are: after that, nothing that arrives later goes first, but for single items while a
 * large request has time for them (see Batcher), and the rest of the time is enough (see Backlog). Until then, an item of
 * a large request that has fallen behind is due a while after it is asked for, since single items would otherwise wait for
 * all that have.
 */
export function dueTimes(options: DueTimesOptions): (position: number) => number {
  const { items, since, now, deadline, isBulk } = options;
  const quarterMs = Math.max(0, deadline - since) / 4;
  const everyMs = Math.min(turnMs, quarterMs / items);
  return (position) => {
    const inTurn = since + position * everyMs;
    return isBulk ? Math.max(inTurn, Math.min(now() + graceMs, since + quarterMs)) : inTurn;
  };
}
