import { readFileSync } from "node:fs";

/**
 * Reads the milliseconds of a core that this process has used around its engines: in its decoder processes, and in the
 * thread that reads, hashes, hands over and writes. Linux counts in steps of 10 ms.
 */
export function coreMsAround(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim().split(" ");
  const decoders = children.filter(Boolean).map((pid) => coreMs(`/proc/${pid}/stat`));
  return decoders.reduce((sum, ms) => sum + ms, coreMs(`/proc/self/task/${process.pid}/stat`));
}

function coreMs(file: string): number {
  const stat = readFileSync(file, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name before it may hold anything
  return 10 * (Number(fields[11]) + Number(fields[12])); // fields 14 and 15 of the file
}
