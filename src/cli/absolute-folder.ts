import { isAbsolute, resolve } from "node:path";
import { EncoderError } from "../errors.ts";
import { isWorkingFolderNamed } from "../host/working-folder.ts";
import { withHome } from "../model/locate.ts";
import { bytesOf, nameOf } from "../model/path-name.ts";

/**
 * Makes the path of a folder absolute that is written to, or read as a whole, by libraries that take text alone.
 * @throws EncoderError CONFIG_INVALID where the path, or that of the working folder, is not UTF-8: another folder would be
 * taken for it.
 */
export function absoluteFolder(folder: string): string {
  const path = withHome(folder);
  const bytes = bytesOf(path);
  const isText = bytes.toString() === path;
  if (isText && (isAbsolute(path) || isWorkingFolderNamed())) return resolve(path);
  const reason = isText ? "the working folder's path is not UTF-8; give an absolute path" : "its path is not UTF-8";
  throw new EncoderError("CONFIG_INVALID", `The folder ${nameOf(bytes)} cannot be used: ${reason}.`);
}
