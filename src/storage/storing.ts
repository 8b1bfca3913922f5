import { EncoderError } from "../errors.ts";

/** Runs what writes to disk; a failure becomes STORAGE_FAILED with its reason. */
export async function storing<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code; // of node:fs; undefined on other errors
    if (code === undefined || cause instanceof EncoderError) throw cause;
    const problem = problems[code] ?? `writing failed (${code})`;
    throw new EncoderError("STORAGE_FAILED", `The result could not be stored: ${problem}.`, { cause });
  }
}

/** Makes a handler for `catch()` that forgives an error of node:fs with this code. */
export function forgiving(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code !== code) throw error;
  };
}

const problems: Record<string, string> = {
  ENOSPC: "the disk is full; free some space or choose another folder",
  EDQUOT: "the disk quota is used up; free some space or choose another folder",
  EFBIG:
    "a file would be larger than this process or the file system allows; raise the limit (ulimit -f) or choose another folder",
  EROFS: "the file system is read-only; choose another folder",
  EACCES: "this user may not write there; choose another folder",
  EPERM: "this user may not write there; choose another folder",
  EBUSY: "the output folder is a mount point; choose a folder inside it",
  EXDEV: "the output folder is a mount point; choose a folder inside it",
  ENOTDIR: "a part of the output path is a file; choose another folder",
};
