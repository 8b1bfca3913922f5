import { constants, type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Response } from "undici";
import { EncoderError } from "../errors.ts";
import { storing } from "../storage/storing.ts";
import { writeWhole } from "../storage/write-through.ts";
import { checkContent } from "./content-hash.ts";
import type { FileFacts } from "./file-facts.ts";
import type { Hub } from "./hub.ts";
import { nameOf, type RepositoryFile } from "./repository-file.ts";
import { reasonOf, request } from "./request.ts";
import { transient, withRetries } from "./with-retries.ts";

export interface Download {
  hub: Hub;
  /** The file is named by its commit, so that its bytes cannot change between two requests. */
  file: RepositoryFile & Pick<FileFacts, "bytes" | "hash">;
  /** The file appears here at once and whole. */
  target: string;
  signal: AbortSignal | undefined;
  /** Called with the bytes of this file that are on disk now. */
  onProgress(bytes: number): void;
}

/** A file whose length is never told is cut off here, since a body that does not end must not fill the disk. */
const maxUnannouncedBytes = 64 * 1024 * 1024;

/**
 * Downloads into `<target>.<hash>.incomplete`, going on where an earlier run was stopped, checks the hash of what is on
 * disk, and renames. The hash in the name keeps bytes of two different files from ever being joined. Bytes that came in
 * several pieces and are wrong get a second chance, from the start.
 * @throws EncoderError HUB_FAILED or STORAGE_FAILED
 */
export async function downloadFile(download: Download): Promise<void> {
  const { file, target, signal } = download;
  const partial = `${target}.${file.hash?.hex ?? "unverified"}.incomplete`;
  await storing(() => mkdir(dirname(target), { recursive: true }));
  for (let isLastTry = false; ; isLastTry = true) {
    const pieces = await receiveInto(partial, download);
    if (!file.hash) break;
    const { matches, received } = await checkContent(partial, file.hash, signal);
    if (matches) break;
    await rm(partial, { force: true });
    if (isLastTry || pieces === 1) {
      const message = `${nameOf(file)} arrived with wrong bytes: expected ${file.hash.algorithm} ${file.hash.hex}, received ${received}. They were deleted; pull again, and if it happens again, do not trust this network or mirror.`;
      throw new EncoderError("HUB_FAILED", message);
    }
  }
  await storing(() => rename(partial, target));
}

/** Receives all that is missing of a file. @returns in how many pieces its bytes came, earlier runs' included. */
async function receiveInto(partial: string, download: Download): Promise<number> {
  const handle = await storing(() => open(partial, constants.O_RDWR | constants.O_CREAT, 0o644));
  try {
    // Where nothing can be checked afterwards, an earlier run's bytes are not trusted.
    if (!download.file.hash) await handle.truncate(0);
    let furthest = (await handle.stat()).size;
    let pieces = furthest > 0 ? 1 : 0;
    await withRetries(download, (progressed) => {
      pieces++;
      return receive(download, handle, (position) => {
        download.onProgress(position);
        if (position <= furthest) return; // a server that always starts again and always breaks off must not do so for ever
        furthest = position;
        progressed();
      });
    });
    await storing(() => handle.sync()); // before the rename is: a power cut must not leave a whole name on half a file
    return pieces;
  } finally {
    await handle.close();
  }
}

async function receive(download: Download, handle: FileHandle, reached: (position: number) => void): Promise<void> {
  const { file, signal } = download;
  const restart = async (reason: string) => {
    await handle.truncate(0);
    return transient(reason);
  };
  let position = file.hash ? (await handle.stat()).size : 0;
  reached(position);
  if (position === file.bytes) return;
  const range: Record<string, string> = position > 0 ? { range: `bytes=${position}-` } : {};
  const response = await request({ ...download, method: "GET", headers: range });
  if (response.status === 416) throw await restart(`${nameOf(file)} ends before byte ${position}.`);
  if (response.status === 206 && !response.headers.get("content-range")?.startsWith(`bytes ${position}-`)) {
    await response.body?.cancel();
    throw await restart(`The Hub sent another range of ${nameOf(file)} than it was asked for.`);
  }
  if (response.status !== 206) {
    position = 0; // the server does not know ranges and sends everything
    await storing(() => handle.truncate(0));
  }
  const announced = Number(response.headers.get("content-length")); // 0 where it is not told
  const total = file.bytes ?? (announced > 0 ? position + announced : maxUnannouncedBytes);
  for await (const chunk of bodyOf(download, response)) {
    if (position + chunk.length > total) {
      throw await restart(`The Hub sends more than the ${total} bytes of ${nameOf(file)}.`);
    }
    await storing(() => writeWhole(handle, chunk, position));
    position += chunk.length;
    reached(position);
    signal?.throwIfAborted();
  }
  if (file.bytes !== undefined && position < file.bytes) {
    throw transient(`The connection ended at byte ${position} of ${file.bytes} of ${nameOf(file)}.`);
  }
}

/** Yields the body's pieces; a connection that breaks or falls silent is worth another try. */
async function* bodyOf({ file, signal }: Download, { body }: Response): AsyncGenerator<Uint8Array> {
  try {
    if (body) yield* body;
  } catch (cause) {
    signal?.throwIfAborted();
    throw transient(`The connection broke while ${nameOf(file)} was received (${reasonOf(cause)}).`, { cause });
  }
}
