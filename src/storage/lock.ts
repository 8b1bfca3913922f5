import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EncoderError } from "../errors.ts";
import { livenessOf, nameOwnProcess, type ProcessName } from "./liveness.ts";
import { forgiving, storing } from "./storing.ts";

export interface LockOptions {
  /** Folder that is locked; it is made where there is none. */
  directory: string;
  signal?: AbortSignal | undefined;
  /** Called once, if another process holds the lock. */
  onWait?(holder: ProcessName): void;
  /** With "refuse", the lock is refused as soon as another holder is known to be alive. The default is to wait. */
  ifHeld?: "wait" | "refuse";
  timing?: LockTiming;
}

export interface LockTiming {
  /** Time between two renewals of a holder's file. */
  heartbeatMs: number;
  /** A holder that cannot be seen counts as dead once its heartbeat has stood still for this long. */
  deadAfterMs: number;
  pollMs: number;
}

/** A holder is dead after ten missed heartbeats: no part of a build keeps the event loop for half a minute. */
const defaultTiming: LockTiming = { heartbeatMs: 3_000, deadAfterMs: 30_000, pollMs: 500 };

export interface Lock {
  /** Aborts if the lock was lost, because this process stood still (suspended) for so long that it counted as dead. */
  signal: AbortSignal;
  release(): Promise<void>;
}

/**
 * Lets one process hold a folder, across processes, containers and machines. Everyone who wants the lock first creates
 * a file that names its process, then looks for those of others: of two who come at once at least one sees the other
 * and steps back. A holder is dead if its process is seen to be gone, or if its heartbeat stands still, measured by the
 * watcher's own clock, since those of two machines differ. A dead holder's file can be deleted by anyone at any time.
 * @throws EncoderError STORAGE_FAILED when the folder cannot be written, OUTPUT_REFUSED when it is held and `ifHeld` is
 * "refuse".
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { directory, signal, onWait, ifHeld = "wait", timing = defaultTiming } = options;
  const { pid, start, namespace, host } = await nameOwnProcess();
  const own = `lock.${pid}.${start}.${randomBytes(4).toString("hex")}.${namespace}.${host}`;
  const watch = createWatch(directory, timing.deadAfterMs);
  let waited = false;
  for (;;) {
    signal?.throwIfAborted();
    await storing(() => makeFolder(directory));
    let holder = await watch.findHolder();
    if (!holder && (await createFile(join(directory, own)))) {
      holder = await watch.findHolder(own);
      if (!holder) return hold(join(directory, own), timing.heartbeatMs);
      await rm(join(directory, own), { force: true });
    }
    if (!holder) continue;
    if (ifHeld === "refuse" && holder.isKnownAlive) {
      const message = `Another process (${holder.pid} on ${holder.host}) works in the output folder: wait for it to end, or choose another folder.`;
      throw new EncoderError("OUTPUT_REFUSED", message, { internal: directory });
    }
    if (!waited) onWait?.(holder);
    waited = true;
    await sleep(timing.pollMs * (0.5 + Math.random()), undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}

/** While others remove the folder, mkdir finds it there, looks again, and says that it is not. */
async function makeFolder(directory: string, tries = 10): Promise<unknown> {
  return mkdir(directory, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return tries > 1 ? makeFolder(directory, tries - 1) : makeFirstMissing(directory);
  });
}

/** Node.js says that a folder is not there also where the system refuses to make one above it; this has the reason. */
async function makeFirstMissing(directory: string): Promise<void> {
  const parent = dirname(directory);
  const isParentThere = await stat(parent).then(
    () => true,
    () => false,
  );
  await (isParentThere || parent === directory ? mkdir(directory) : makeFirstMissing(parent));
}

/** Tells whether it is there; the last holder may have removed the folder in this moment. */
async function createFile(path: string): Promise<boolean> {
  const written = storing(() => writeFile(path, "").then(() => true, forgiving("ENOENT")));
  return (await written) ?? false;
}

/** Keeps the heartbeat of a lock that was just acquired. */
function hold(path: string, heartbeatMs: number): Lock {
  const lost = new AbortController();
  const timer = setInterval(async () => {
    const now = new Date();
    await utimes(path, now, now).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") return;
      const message = "This process stood still for so long that another one took over its folder: start it again.";
      lost.abort(new EncoderError("STORAGE_FAILED", message));
    });
  }, heartbeatMs);
  timer.unref(); // whoever holds a lock has something else to do
  return {
    signal: lost.signal,
    async release() {
      clearInterval(timer);
      await rm(path, { force: true });
    },
  };
}

/** Looks at the holders of a lock again and again, and remembers since when each heartbeat has stood still. */
function createWatch(directory: string, deadAfterMs: number) {
  const seen = new Map<string, { beat: number; sinceMs: number; hasMoved: boolean }>();

  /** Reads the heartbeat, which is undefined if the file is gone. */
  async function heartbeatOf(file: string) {
    const beat = (await stat(join(directory, file)).catch(() => undefined))?.mtimeMs;
    if (beat === undefined) return undefined;
    const last = seen.get(file);
    const now = { beat, sinceMs: performance.now(), hasMoved: last !== undefined };
    const heartbeat = last?.beat === beat ? last : now;
    seen.set(file, heartbeat);
    return heartbeat;
  }
  return {
    /** Finds somebody besides `own` who may be alive; files of the dead are deleted. */
    async findHolder(own?: string) {
      for (const file of await readdir(directory).catch(() => [])) {
        const owner = parseName(file);
        const heartbeat = owner && file !== own ? await heartbeatOf(file) : undefined;
        if (!owner || !heartbeat) continue;
        const liveness = await livenessOf(owner);
        const standsStill = performance.now() - heartbeat.sinceMs > deadAfterMs;
        const isDead = liveness === "dead" || (liveness === "unknown" && standsStill);
        if (!isDead) return { ...owner, isKnownAlive: liveness === "alive" || heartbeat.hasMoved };
        await rm(join(directory, file), { force: true });
      }
      return undefined;
    },
  };
}

const namePattern = /^lock\.(?<pid>\d+)\.(?<start>\d+)\.[0-9a-f]+\.(?:(?<namespace>0|[0-9a-f]{16})\.)?(?<host>.+)$/;

/** Files of earlier versions have no namespace, and no heartbeat either. */
function parseName(file: string): ProcessName | undefined {
  const { pid, start, namespace = "0", host } = namePattern.exec(file)?.groups ?? {};
  if (pid === undefined || start === undefined || host === undefined) return undefined;
  return { pid: Number(pid), start, namespace, host };
}
