import type { PartFormat, PartStore, Sink } from "./sink.ts";

/** Puts each part into files of its own. */
export function fileSink(format: PartFormat, store: PartStore): Sink {
  return {
    async write(part) {
      const contents = format.encode(part);
      for (const [i, path] of format.paths(part.number).entries()) await store.put(path, contents[i]!);
    },
    async has(part) {
      for (const path of format.paths(part)) if (!(await store.has(path))) return false;
      return true;
    },
    async remove(part) {
      for (const path of format.paths(part).toReversed()) await store.remove(path);
    },
  };
}
