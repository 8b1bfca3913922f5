import { mkdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { storing } from "../../storage/storing.ts";
import { writeWhole } from "../write-whole.ts";
import type { PartStore } from "./sink.ts";

/** Files in a folder of this machine. */
export function folderStore(directory: string): PartStore {
  const placeOf = (path: string) => join(directory, path);
  return {
    async put(path, chunks) {
      await storing(() => mkdir(dirname(placeOf(path)), { recursive: true }));
      await writeWhole(placeOf(path), chunks);
    },
    has: (path) =>
      stat(placeOf(path)).then(
        () => true,
        () => false,
      ),
    remove: (path) => storing(() => rm(placeOf(path), { force: true })),
  };
}
