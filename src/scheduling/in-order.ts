export interface InOrderOptions {
  /** Limits how many items are worked on at the same time. */
  lanes: number;
  /** Limits the items begun and not yet given out: a slow one holds up those behind it only when they are done. */
  window: number;
  /** Once aborted nothing more is begun; what was begun is given out. */
  stop: AbortSignal;
}

/**
 * Maps a stream with several items at work at once, and gives the results in the order of the items. Once it is stopped
 * or left, a stream that has nothing to give yet, such as standard input, is waited for no longer.
 */
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
  const isOver = () => ended || stop.aborted;
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
    if (isOver()) passOver();
  };
  stop.addEventListener("abort", wake, { once: true });

  const iterator = items[Symbol.asyncIterator]();
  let isAsked = false;
  let passOver = () => {};
  const nextItem = () =>
    new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
      passOver = () => resolve(undefined);
      isAsked = true;
      const answered = iterator.next().finally(() => {
        isAsked = false;
      });
      answered.then(resolve, reject);
    });
  const read = async () => {
    while (!isOver()) {
      const next = await nextItem();
      if (!next || next.done) return;
      const item = next.value;
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
      if (!isOver()) failure = { reason };
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
    const closed = iterator.return?.();
    if (isAsked) closed?.catch(() => {});
    else await closed;
  }
}
