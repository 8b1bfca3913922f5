import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { acquireLock } from "../../src/storage/lock.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

/** Dead after so long that a machine which stands still for a moment kills nobody. */
const timing = { heartbeatMs: 20, deadAfterMs: 1000, pollMs: 10 };
/** The name of a file as a process of another container leaves it. */
const foreign = "lock.1.12345.00000000.0123456789abcdef.elsewhere";

let directory: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  directory = join(await temporaryFolder(), "locked");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Starts a real process that holds the lock. */
async function startHolder(): Promise<ChildProcess> {
  const script = join(import.meta.dirname, "lock-holder.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout!, "data");
  return child;
}

async function leave(name: string): Promise<string> {
  await (await acquireLock({ directory })).release(); // makes the folder
  await writeFile(join(directory, name), "");
  return join(directory, name);
}

const acquireFor = (ms: number) => acquireLock({ directory, timing, signal: AbortSignal.timeout(ms) });

describe("a lock", () => {
  it("has one holder at a time", async () => {
    let holders = 0;
    const most: number[] = [];
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const lock = await acquireLock({ directory, timing });
        most.push(++holders);
        await new Promise((resolve) => setTimeout(resolve, 5));
        holders--;
        await lock.release();
      }),
    );
    expect(most).toEqual([1, 1, 1, 1, 1]);
    expect(await readdir(directory)).toEqual([]);
  });

  it("is taken over as soon as its holder was killed", async () => {
    const holder = await startHolder();
    const seen: { pid: number; host: string }[] = [];
    const waiting = acquireLock({ directory, onWait: (it) => seen.push(it) });
    await vi.waitFor(() => expect(seen).toMatchObject([{ pid: holder.pid, host: hostname() }]));
    holder.kill("SIGKILL");
    await (await waiting).release();
  });

  it("is taken over from a process whose number another one has now", async () => {
    const lock = await acquireLock({ directory });
    const [name] = await readdir(directory);
    await lock.release();
    await leave(name!.replace(/^(lock\.\d+)\.\d+/, "$1.12345"));
    await (await acquireLock({ directory })).release();
  });

  it("is taken over from another container's process that gives no sign of life any longer", async () => {
    await leave(foreign);
    await (await acquireLock({ directory, timing })).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it("is taken over from earlier versions, whose files have no heartbeat", async () => {
    await leave("lock.1.12345.00000000.elsewhere");
    await (await acquireLock({ directory, timing })).release();
  });

  it("is never taken over while another container's heartbeat goes on", async () => {
    const file = await leave(foreign);
    const heartbeat = setInterval(() => utimes(file, new Date(), new Date()), timing.heartbeatMs);
    await expect(acquireFor(3 * timing.deadAfterMs)).rejects.toThrow("timeout");
    clearInterval(heartbeat);
  });

  it("is never taken over from a process that can be seen, even if it stands still", async () => {
    const holder = await startHolder();
    holder.kill("SIGSTOP");
    await expect(acquireFor(3 * timing.deadAfterMs)).rejects.toThrow("timeout");
  });

  it("tells its holder when it was lost", async () => {
    const lock = await acquireLock({ directory, timing });
    const [name] = await readdir(directory);
    await rename(join(directory, name!), join(directory, "gone"));
    await vi.waitFor(() => expect(lock.signal.aborted).toBe(true));
    expect(lock.signal.reason).toMatchObject({ code: "STORAGE_FAILED" });
    await lock.release();
  });

  it("can be asked for without waiting: the living refuse it, the dead do not", async () => {
    const lock = await acquireLock({ directory, timing });
    const ask = () => acquireLock({ directory, timing, ifHeld: "refuse" });
    await expect(ask()).rejects.toMatchObject({
      code: "OUTPUT_REFUSED",
      message: expect.stringContaining(`(${process.pid} on ${hostname()}) works in the output folder`),
    });
    await lock.release();

    const file = await leave(foreign);
    const heartbeat = setInterval(() => utimes(file, new Date(), new Date()), timing.heartbeatMs);
    await expect(ask()).rejects.toMatchObject({ message: expect.stringContaining("(1 on elsewhere)") });
    clearInterval(heartbeat);
    await (await ask()).release();
  });

  it("is not in the way of one who removes the folder when it is free", async () => {
    const lock = await acquireLock({ directory, timing });
    const waiting = acquireLock({ directory, timing });
    await lock.release();
    await rm(directory, { recursive: true, force: true });
    await (await waiting).release();
  });
});
