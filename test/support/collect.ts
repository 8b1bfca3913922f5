/** Collects everything that an iterable gives. Node.js has Array.fromAsync only from version 22 on. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
