import { statfs } from "node:fs/promises";
import { EncoderError } from "../errors.ts";

/** @throws EncoderError STORAGE_FAILED when the file system has less than `bytes` left. */
export async function checkFreeSpace(
  directory: string,
  bytes: number,
  what = "the download and the model",
): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= bytes) return;
  const message = `Expected ${inMegabytes(bytes)} of free disk space for ${what}, found ${inMegabytes(bavail * bsize)}: free some, or set MODELS_DIR to another disk.`;
  throw new EncoderError("STORAGE_FAILED", message, { internal: directory });
}

export function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB`;
}
