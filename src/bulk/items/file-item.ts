import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { EncoderError } from "../../errors.ts";
import type { ImageFetcher } from "../../image/fetch.ts";
import { nameOf } from "../../model/path-name.ts";
import { absolutePath } from "./absolute-path.ts";
import type { Budget } from "./budget.ts";
import type { Columns, Content, Item } from "./item.ts";

export interface FileReading {
  budget: Budget;
  fetcher: ImageFetcher;
  maxImageBytes: number;
  /** Tells whether an open file may be read; any may where this is missing. */
  mayRead?(handle: FileHandle, path: Buffer): Promise<boolean>;
}

export interface ListedFile {
  /** Path by which it is opened, from the working directory or absolute. */
  path: Buffer;
  key: string;
  columns?: Columns;
}

/** Describes a picture in a file of its own. */
export function fileItem({ path, key, columns = {} }: ListedFile, reading: FileReading): Item {
  const place = absolutePath(path);
  return {
    identity: `file ${place.toString("latin1")}`,
    origin: { kind: "file", path: place },
    operand: 0,
    name: nameOf(path),
    key,
    columns,
    version: async () => versionOf(await orExplain(() => stat(path, { bigint: true }))),
    load: (signal) => readFileItem(path, reading, signal),
  };
}

/** Describes an item of which it is known before reading it that it fails. */
export function failedItem({ name, key, error }: { name: string; key: string; error: EncoderError }): Item {
  const load = () => Promise.reject(error);
  return { identity: `refused ${name}`, name, key, columns: {}, origin: { kind: "refused" }, operand: 0, load };
}

async function readFileItem(path: Buffer, reading: FileReading, signal: AbortSignal): Promise<Content> {
  return withFile(path, reading, async (handle) => {
    const found = await handle.stat({ bigint: true });
    if (!found.isFile()) throw new EncoderError("INPUT_REFUSED", "Expected a file, found something else.");
    const { input, release } = await readWithin(handle, reading, { offset: 0, size: Number(found.size), signal });
    return { input, version: versionOf(found), release };
  });
}

/** Opens a file that may be read, and closes it after its use. */
export async function withFile<T>(
  path: Buffer,
  { mayRead }: FileReading,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  // A pipe or a device would make a plain open wait for ever.
  const handle = await orExplain(() => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    if (!mayRead || (await mayRead(handle, path))) return await use(handle);
    throw new EncoderError("INPUT_REFUSED", "The file lies outside of the folders that may be read.");
  } finally {
    await handle.close();
  }
}

/** Reads a range of an open file within the budget of memory; a file that was cut off meanwhile gives what is left of it. */
export async function readWithin(
  handle: FileHandle,
  { budget, maxImageBytes }: FileReading,
  { offset, size, signal }: { offset: number; size: number; signal: AbortSignal },
): Promise<{ input: Uint8Array; release(): void }> {
  if (size > maxImageBytes) {
    throw new EncoderError("IMAGE_TOO_LARGE", `Expected at most ${maxImageBytes} bytes, received ${size}.`);
  }
  const release = await budget.take(size, signal);
  try {
    const bytes = Buffer.allocUnsafeSlow(size);
    let at = 0;
    while (at < size) {
      signal.throwIfAborted();
      const { bytesRead } = await orExplain(() => handle.read(bytes, at, size - at, offset + at));
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return { input: bytes.subarray(0, at), release };
  } catch (error) {
    release();
    throw error;
  }
}

function versionOf({ size, mtimeNs }: BigIntStats): string {
  return `${size}:${mtimeNs}`;
}

/** Runs what reads the file; a failure becomes one that names its reason. */
export async function orExplain<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // of node:fs; undefined on other errors
    if (code === undefined || cause instanceof EncoderError) throw cause;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new EncoderError("INPUT_NOT_FOUND", "There is no such file, or no longer.", { cause });
    }
    const reasons: Record<string, string> = {
      EACCES: "this user may not read it",
      EPERM: "this user may not read it",
      ELOOP: "it is a link that leads in a circle",
      ENAMETOOLONG: "its name is too long",
      ENXIO: "it is a socket or a device",
      EISDIR: "it is a folder",
      EIO: "the disk reports an error",
      ESTALE: "its file system went away",
    };
    const reason = reasons[code] ?? `reading failed (${code})`;
    throw new EncoderError("INPUT_UNREADABLE", `The file cannot be read: ${reason}.`, { cause });
  }
}
