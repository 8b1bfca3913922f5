import { readTextFile } from "./text-file.ts";

/** Reads what Linux tells of a process from the third field of /proc/PID/stat on; of one that is gone, nothing. */
export function processStat(pid: number | undefined): string[] {
  const stat = readTextFile(`/proc/${pid}/stat`); // the file system is in memory
  return stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name before it may hold anything
}
