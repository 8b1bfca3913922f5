import { link, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { folderStore } from "../bulk/sinks/folder-store.ts";
import type { PartStore } from "../bulk/sinks/sink.ts";
import { EncoderError } from "../errors.ts";
import { storing } from "../storage/storing.ts";
import { queueFolder } from "./run-record.ts";
import { s3Store } from "./s3-store.ts";

/** Where the output of a queued run lies, seen by every machine that takes part. */
export interface SharedStore extends PartStore {
  /** Puts a file in its place unless there is one already. @returns whether there was none */
  create(path: string, bytes: Uint8Array): Promise<boolean>;
  /** @returns undefined where there is no such file */
  get(path: string): Promise<Uint8Array | undefined>;
  /** Removes what writers that died have left half-written. */
  tidy(): Promise<void>;
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
  // A writer that dies leaves its file here, and not among the parts.
  const unfinished = placeOf(`${queueFolder}/unfinished`);
  const files = folderStore(directory, (path) => join(unfinished, `${path.replaceAll("/", "-")}.${writer}`));
  const put: SharedStore["put"] = async (path, chunks) => {
    await storing(() => mkdir(unfinished, { recursive: true }));
    await files.put(path, chunks);
  };
  return {
    ...files,
    put,
    async create(path, bytes) {
      const whole = `${path}.${writer}.new`;
      await put(whole, [bytes]);
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
    async tidy() {
      for (const name of await readdir(unfinished).catch(() => [])) {
        const file = join(unfinished, name);
        const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
        if (Date.now() - mtimeMs > longUnfinishedMs) await storing(() => rm(file, { force: true }));
      }
    },
  };
}

/** A file is written within seconds; clocks of two machines may differ by some minutes. */
const longUnfinishedMs = 3_600_000;

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
