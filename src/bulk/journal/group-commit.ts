/**
 * Writes together what came while the last write was under way, so that no write waits and there are few of them.
 * @param write gives a result for each entry, in their order
 */
export function createGroupCommit<Entry, Result>(write: (entries: Entry[]) => Promise<Result[]>) {
  interface Waiting {
    entry: Entry;
    resolve(result: Result): void;
    reject(error: unknown): void;
  }
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const results = await write(batch.map(({ entry }) => entry));
        for (const [i, { resolve }] of batch.entries()) resolve(results[i]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = undefined;
  }

  return {
    write: (entry: Entry) =>
      new Promise<Result>((resolve, reject) => {
        waiting.push({ entry, resolve, reject });
        running ??= run();
      }),
    /** Resolves when nothing is being written. */
    idle: async () => running,
  };
}
