import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Lists the decoder processes that `parent` has now. */
export function decoderPids(parent: number = process.pid): number[] {
  return readdirSync(`/proc/${parent}/task`)
    .flatMap((thread) => textOf(`/proc/${parent}/task/${thread}/children`).trim().split(" "))
    .filter((pid) => textOf(`/proc/${pid}/cmdline`).includes("decoder-main"))
    .map(Number);
}

export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(textOf(`/proc/${pid}/status`));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the process has ended meanwhile
  }
}

/** Reads the resident memory of a process; 0 when it is gone. */
export function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * 4096;
  } catch {
    return 0;
  }
}
