import { readFile } from "node:fs/promises";
import { EncoderError } from "../errors.ts";
import { bytesOf, nameOf, pathOf } from "../model/path-name.ts";

/**
 * Reads a picture that a command names by its path, or as search prints that path.
 * @throws EncoderError CONFIG_INVALID
 */
export async function readPicture(file: string): Promise<Uint8Array> {
  const path = bytesOf(file);
  const printed = pathOf(file);
  try {
    return await readFile(path).catch((cause) => (printed.equals(path) ? Promise.reject(cause) : readFile(printed)));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // of node:fs
    throw new EncoderError("CONFIG_INVALID", `The picture ${nameOf(path)} cannot be read (${code}).`, { cause });
  }
}
