import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { storing } from "./staging.ts";

export interface LockOptions {
  directory: string;
  signal: AbortSignal | undefined;
  /** Called once, if another process holds the lock. */
  onWait?(holder: { pid: number; host: string; file: string }): void;
}

const pollMs = 500;

/**
 * One holder per folder, across processes. Everyone who wants the lock first creates a file that names its process, then
 * looks for those of others: of two who come at once at least one sees the other and steps back. Nothing is ever taken
 * over, so a file whose process is dead (killed, or another one with its number) can be deleted by anyone at any time.
 * @returns releases the lock.
 */
export async function acquireLock({ directory, signal, onWait }: LockOptions): Promise<() => Promise<void>> {
  await storing(() => mkdir(directory, { recursive: true }));
  const start = (await startOf(process.pid)) ?? "0";
  const own = `lock.${process.pid}.${start}.${randomBytes(4).toString("hex")}.${hostname()}`;
  let waited = false;
  for (;;) {
    signal?.throwIfAborted();
    let holder = await liveHolder(directory);
    if (!holder) {
      await storing(() => writeFile(join(directory, own), ""));
      holder = await liveHolder(directory, own);
      if (!holder) return () => rm(join(directory, own), { force: true });
      await rm(join(directory, own), { force: true });
    }
    if (!waited) onWait?.(holder);
    waited = true;
    await sleep(pollMs * (0.5 + Math.random()), undefined, { signal });
  }
}

async function liveHolder(directory: string, own?: string) {
  for (const file of await readdir(directory)) {
    const { pid, start, host } = /^lock\.(?<pid>\d+)\.(?<start>\d+)\.\w+\.(?<host>.+)$/.exec(file)?.groups ?? {};
    if (pid === undefined || start === undefined || host === undefined || file === own) continue;
    // Another machine's (or container's) processes cannot be seen from here, so its lock counts.
    if (host !== hostname() || (await startOf(Number(pid))) === start) return { pid: Number(pid), host, file };
    await rm(join(directory, file), { force: true });
  }
  return undefined;
}

/** When a process started, in a unit of the system's; "0" where that is not told, undefined when there is none. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]; // field 22; the name before it may hold anything
  } catch {
    return isAlive(pid) ? "0" : undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // only asks
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // as process.kill documents
  }
}
