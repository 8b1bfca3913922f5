import { link, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { folderStore } from "../bulk/sinks/folder-store.ts";
import type { PartStore } from "../bulk/sinks/sink.ts";
import { EncoderError } from "../errors.ts";
import { storing } from "../storage/storing.ts";
import { s3Store } from "./s3-store.ts";

/** Where the output of a queued run lies, seen by every machine that takes part. */
export interface SharedStore extends PartStore {
  /** Puts a file in its place unless there is one already. @returns whether there was none */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
  /** @returns undefined where there is no such file */
  get(path: string): Promise<Uint8Array | undefined>;
}

/**
 * @param place a folder, or s3://bucket/prefix
 * @param writer names this process in temporary files, so that two that write the same part do not write into one file
 */
export async function openStore(place: string, writer: string): Promise<SharedStore> {
  if (place.startsWith("s3:")) return s3Store(place);
  const found = await stat(place).catch(() => undefined);
  // A folder that is made when it is missing would hide a share that is not mounted.
  if (!found?.isDirectory()) throw new EncoderError("CONFIG_INVALID", `--out: there is no folder ${place}.`);
  return sharedFolder(place, writer);
}

function sharedFolder(directory: string, writer: string): SharedStore {
  const placeOf = (path: string) => join(directory, path);
  const files = folderStore(directory, (path) => `${placeOf(path)}.${writer}.writing`);
  return {
    ...files,
    async create(path, bytes) {
      const whole = `${path}.${writer}.new`;
      await files.put(whole, [bytes]);
      try {
        return await storing(() => linkUnlessThere(placeOf(whole), placeOf(path)));
      } finally {
        await files.remove(whole);
      }
    },
    get: (path) =>
      readFile(placeOf(path)).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return undefined;
        throw new EncoderError("STORAGE_FAILED", `The output cannot be read (${cause.code}).`, { cause });
      }),
  };
}

/** A link is the one way in which a file appears whole and only if there is none. */
async function linkUnlessThere(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false; // of node:fs
    throw error;
  }
}
