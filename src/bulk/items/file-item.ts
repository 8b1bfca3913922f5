import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { EncoderError } from "../../errors.ts";
import type { ImageFetcher } from "../../image/fetch.ts";
import { nameOf } from "../../model/path-name.ts";
import type { Budget } from "./budget.ts";
import type { Columns, Content, Item } from "./item.ts";

export interface FileReading {
  budget: Budget;
  fetcher: ImageFetcher;
  maxImageBytes: number;
}

export interface ListedFile {
  /** It is opened by this path, from the working directory or absolute. */
  path: Buffer;
  key: string;
  columns?: Columns;
}

/** Describes a picture in a file of its own. */
export function fileItem({ path, key, columns = {} }: ListedFile, reading: FileReading): Item {
  return {
    identity: `file ${absolute(path)}`,
    origin: { kind: "file", path: Buffer.from(absolute(path), "latin1") },
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
  // A pipe or a device would make a plain open wait for ever.
  const handle = await orExplain(() => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const found = await handle.stat({ bigint: true });
    if (!found.isFile()) throw new EncoderError("INPUT_REFUSED", "Expected a file, found something else.");
    const size = Number(found.size);
    if (size > reading.maxImageBytes) {
      const message = `Expected at most ${reading.maxImageBytes} bytes, received ${size}.`;
      throw new EncoderError("IMAGE_TOO_LARGE", message);
    }
    const release = await reading.budget.take(size, signal);
    try {
      const input = await orExplain(() => readExactly(handle, size, signal));
      return { input, version: versionOf(found), release };
    } catch (error) {
      release();
      throw error;
    }
  } finally {
    await handle.close();
  }
}

/** Reads what is there of the bytes; a file that grows meanwhile is read as far as it was long at first. */
async function readExactly(handle: FileHandle, size: number, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  while (at < size) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(bytes, at, size - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

function versionOf({ size, mtimeNs }: BigIntStats): string {
  return `${size}:${mtimeNs}`;
}

/** Makes the path absolute, with one character per byte. */
function absolute(path: Buffer): string {
  const from = path[0] === 0x2f ? "" : `${Buffer.from(resolve(".")).toString("latin1")}/`;
  return from + path.toString("latin1");
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
