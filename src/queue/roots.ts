import { realpath, stat } from "node:fs/promises";
import { posix, resolve } from "node:path";
import type { FileReading } from "../bulk/items/file-item.ts";
import { EncoderError } from "../errors.ts";
import { liesBelow } from "../storage/lies-below.ts";
import type { ShardRow } from "./shard.ts";

/** A worker reads files below these folders alone. */
export interface Roots {
  /** @throws EncoderError SHARD_REFUSED where a row refers to a file elsewhere */
  requireBelow(rows: readonly ShardRow[]): void;
  /** Tells whether an open file really lies below a root, wherever links have led. */
  mayRead: NonNullable<FileReading["mayRead"]>;
  /** Tells whether every root is the folder that it was at the start: a share that went away leaves another one behind. */
  areThere(): Promise<boolean>;
}

/** @throws EncoderError CONFIG_INVALID where a root is not there */
export async function openRoots(paths: readonly string[]): Promise<Roots> {
  const roots = await Promise.all(
    paths.map(async (path) => {
      const folder = resolve(path);
      return { folder, real: await realpath(folder).catch(() => undefined), place: await placeOf(folder) };
    }),
  );
  const missing = roots.findIndex(({ place }) => place === undefined);
  if (missing >= 0) throw new EncoderError("CONFIG_INVALID", `--root: there is no folder ${paths[missing]}.`);
  const prefixes = roots.flatMap(({ folder, real }) => [folder, real!].map(prefixOf));

  return {
    requireBelow(rows) {
      const isBelow = (path: string) => prefixes.some((prefix) => posix.normalize(path).startsWith(prefix));
      const files = rows.flatMap(({ input }) => ("file" in input ? [input.file] : "tar" in input ? [input.tar] : []));
      if (files.every(isBelow)) return;
      const message =
        paths.length === 0
          ? "This worker reads no files: start it with --root and the folder of the pictures."
          : "The shard refers to a file that lies below no --root of this worker.";
      throw new EncoderError("SHARD_REFUSED", message);
    },
    async mayRead(handle, path) {
      for (const { folder } of roots) if (await liesBelow(handle, path, folder)) return true;
      return false;
    },
    async areThere() {
      const places = await Promise.all(roots.map(({ folder }) => placeOf(folder)));
      return places.every((place, i) => place === roots[i]!.place);
    },
  };
}

/** In the spelling of jobs: one character per byte. */
function prefixOf(folder: string): string {
  return Buffer.from(folder === "/" ? "/" : `${folder}/`).toString("latin1");
}

async function placeOf(folder: string): Promise<string | undefined> {
  const found = await stat(folder, { bigint: true }).catch(() => undefined);
  return found?.isDirectory() ? `${found.dev}:${found.ino}` : undefined;
}
