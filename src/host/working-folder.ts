import { readlinkSync } from "node:fs";

/** Tells whether the path of the working folder is UTF-8; Node.js gives folders whose paths are not the same name. */
export const isWorkingFolderNamed = (): boolean => !process.cwd().includes("\ufffd");

/** Gives the path of the working folder, which need not be UTF-8 where the system tells it by `/proc`. */
export function workingFolder(): Buffer {
  if (isWorkingFolderNamed()) return Buffer.from(process.cwd());
  try {
    return readlinkSync("/proc/self/cwd", { encoding: "buffer" });
  } catch {
    return Buffer.from(process.cwd());
  }
}
