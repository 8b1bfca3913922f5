import type { Source } from "../bulk/sources/source.ts";

/** Counts a source's items beside the run that works on them; `total` grows meanwhile. */
export function countItems(source: Source, total: { items: number; isFinal: boolean }, signal: AbortSignal) {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const counting = source
    .count(either, (items) => {
      total.items += items;
    })
    .then((isAll) => {
      total.isFinal = isAll && !either.aborted;
    })
    .catch(() => {}); // the run meets the same failure, and tells it
  return {
    end: async () => {
      ended.abort();
      await counting;
    },
  };
}
