export interface InOrderOptions {
  /** Limits how many items are worked on at the same time. */
  lanes: number;
  /** Limits the items begun and not yet given out: a slow one holds up those behind it only when they are done. */
  window: number;
  /** Once aborted nothing more is begun; what was begun is given out. */
  stop: AbortSignal;
}

/** Maps a stream with several items at work at once, and gives the results in the order of the items. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  { lanes, window, stop }: InOrderOptions,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  let running = 0;
  let ended = false;
  let failure: { reason: unknown } | undefined;
  let waiting: (() => void)[] = [];
  const change = () => new Promise<void>((resolve) => waiting.push(resolve));
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };

  const isOver = () => ended || stop.aborted;
  stop.addEventListener("abort", wake, { once: true });
  const read = async () => {
    for await (const item of items) {
      while ((running >= lanes || begun.length >= window) && !isOver()) await change();
      if (isOver()) return;
      running++;
      const result = work(item).finally(() => {
        running--;
        wake();
      });
      result.catch(() => {}); // whoever takes it from `begun` hears of it
      begun.push(result);
      wake();
    }
  };
  const reading = read()
    .catch((reason) => {
      failure = { reason };
    })
    .finally(() => {
      ended = true;
      wake();
    });
  try {
    for (;;) {
      if (begun.length > 0) {
        yield await begun[0]!;
        begun.shift();
        wake();
      } else if (ended) break;
      else await change();
    }
    if (failure) throw failure.reason;
  } finally {
    ended = true;
    stop.removeEventListener("abort", wake);
    wake();
    await Promise.all([reading, ...begun.map((result) => result.catch(() => {}))]);
  }
}
