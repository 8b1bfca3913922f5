import { mkdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { storing } from "../../storage/storing.ts";
import { writeWhole } from "../write-whole.ts";
import type { PartStore } from "./sink.ts";

/**
 * Files in a folder.
 * @param besides where a file is written before it is renamed; beside its place by default
 */
export function folderStore(directory: string, besides?: (path: string) => string): PartStore {
  const placeOf = (path: string) => join(directory, path);
  return {
    async put(path, chunks) {
      await storing(() => mkdir(dirname(placeOf(path)), { recursive: true }));
      await writeWhole(placeOf(path), chunks, besides?.(path));
    },
    has: (path) =>
      stat(placeOf(path)).then(
        () => true,
        () => false,
      ),
    remove: (path) => storing(() => rm(placeOf(path), { force: true })),
  };
}
