import { realpathSync } from "node:fs";
import { posix } from "node:path";
import { workingFolder } from "../../host/working-folder.ts";
import { bytesOf, textOf } from "../../model/path-name.ts";

/**
 * Makes a path absolute, and the same for every way to spell it: without `.`, `..`, doubled slashes and a slash at its end.
 * What `..` leads to from behind a link, only the system knows. The path need not be UTF-8.
 */
export function absolutePath(path: Buffer): Buffer {
  const isAbsolute = path[0] === 0x2f;
  const start = isAbsolute ? "" : `${workingFolder().toString("latin1")}/`;
  const whole = start + path.toString("latin1"); // one character per byte
  const [, above = "", below = whole] = /^(.*\/\.\.)(\/.*|)$/s.exec(whole) ?? [];
  const normal = posix.normalize(realPath(above) + below);
  return Buffer.from(normal === "/" ? normal : normal.replace(/\/$/, ""), "latin1");
}

function realPath(path: string): string {
  try {
    return path && realpathSync.native(Buffer.from(path, "latin1"), { encoding: "buffer" }).toString("latin1");
  } catch {
    return path; // nothing is there, or is to be seen
  }
}

/** Does so for what somebody wrote, as `textOf` gives it. */
export const absoluteName = (path: string) => textOf(absolutePath(bytesOf(path)));
