/** Works on an item. `waitedMs` is the time from the beginning of the first item to the beginning of this one. */
export type Step<T, R> = (item: T, turn: { index: number; waitedMs: number }) => Promise<R>;

/**
 * Maps items with at most `ahead` of them at work. Results are in the order of the items. After the first failure, with which
 * the returned promise rejects, no further item begins.
 */
export async function mapAhead<T, R>(items: readonly T[], ahead: number, step: Step<T, R>): Promise<R[]> {
  const startedAt = performance.now();
  const results = new Array<R>(items.length);
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      const turn = { index, waitedMs: performance.now() - startedAt };
      results[index] = await step(items[index]!, turn).catch((error) => {
        failed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(ahead, items.length) }, lane));
  return results;
}
