import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { storing } from "./storing.ts";

/** Writes a new file through to the disk. @throws EncoderError STORAGE_FAILED */
export async function writeBytes(path: string, bytes: Uint8Array) {
  return writePieces(path, (append) => append(bytes));
}

/**
 * Writes a new file piece by piece through to the disk.
 * @returns its size, and the SHA-256 of its bytes in hexadecimal
 * @throws EncoderError STORAGE_FAILED
 */
export async function writePieces(
  path: string,
  produce: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let written = 0;
  const handle = await storing(() => open(path, "wx"));
  try {
    await produce((bytes) =>
      storing(async () => {
        hash.update(bytes);
        await writeWhole(handle, bytes);
        written += bytes.length;
      }),
    );
    await storing(() => handle.sync());
  } finally {
    await handle.close();
  }
  return { bytes: written, sha256: hash.digest("hex") };
}

/** One write may take less than it was given: at most 2 GiB, or what a disk that runs full still holds. */
export async function writeWhole(handle: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const place = position === undefined ? null : position + at;
    at += (await handle.write(bytes, at, bytes.length - at, place)).bytesWritten;
  }
}
