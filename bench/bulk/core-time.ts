import { readFileSync } from "node:fs";

/** Reads the milliseconds of a core that this process and its decoders have used. Linux counts in steps of 10 ms. */
export function coreMs(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim().split(" ");
  const processes = ["self", ...children.filter(Boolean)];
  return processes.reduce((sum, pid) => sum + coreMsOf(`/proc/${pid}/stat`), 0);
}

function coreMsOf(file: string): number {
  const stat = readFileSync(file, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name before it may hold anything
  return 10 * (Number(fields[11]) + Number(fields[12])); // fields 14 and 15 of the file
}
