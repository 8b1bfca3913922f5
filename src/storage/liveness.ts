import { createHash } from "node:crypto";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { processStat } from "../host/process-stat.ts";

/** Names a process so that no other one is ever taken for it. */
export interface ProcessName {
  pid: number;
  /** Time of its start, in a unit of the kernel's; "0" where that is not told. */
  start: string;
  /** The kernel's run and the process namespace in which the number counts; "0" where they are not told. */
  namespace: string;
  host: string;
}

export async function nameOwnProcess(): Promise<ProcessName> {
  const start = startOf(process.pid) ?? "0";
  return { pid: process.pid, start, namespace: await ownNamespace(), host: hostname() };
}

/**
 * Tells whether a process still runs. Only what shares this process's namespace can be seen: of another container or
 * machine, even of one with the same host name, nothing is known.
 */
export async function livenessOf({ pid, start, namespace }: ProcessName): Promise<"alive" | "dead" | "unknown"> {
  if (namespace === "0" || namespace !== (await ownNamespace())) return "unknown";
  return startOf(pid) === start ? "alive" : "dead";
}

const startOf = (pid: number) => processStat(pid)[19]; // field 22

async function ownNamespace(): Promise<string> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "latin1");
    const namespace = await readlink("/proc/self/ns/pid");
    return createHash("sha256").update(`${boot} ${namespace}`).digest("hex").slice(0, 16);
  } catch {
    return "0";
  }
}
