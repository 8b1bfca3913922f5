import { readFile } from "node:fs/promises";
import { EncoderError } from "../errors.ts";

/** Reads a picture that a command names. @throws EncoderError CONFIG_INVALID */
export async function readPicture(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause) => {
    throw new EncoderError("CONFIG_INVALID", `The picture ${file} cannot be read (${cause.code}).`, { cause });
  });
}
