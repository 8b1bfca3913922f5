import { readFileSync } from "node:fs";

/** Reads a whole file, such as one of Linux' /proc. */
export type ReadText = (path: string) => string;

/** Gives an empty text where the file is missing, as on systems other than Linux. */
export const readTextFile: ReadText = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
