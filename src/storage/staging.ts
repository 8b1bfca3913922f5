import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { EncoderError } from "../errors.ts";
import { manifestFile } from "../model/manifest.ts";

/** A folder that is written beside its final place and becomes visible there all at once, or not at all. */
export interface Staging {
  directory: string;
  /** Puts the folder in place. Where another build was faster, `keepExisting` leaves its result. */
  publish(options: { keepExisting: boolean }): Promise<void>;
  discard(): Promise<void>;
}

/** No build that is alive takes this long; after it even a folder of an unknown machine is swept. */
const abandonedAfterMs = 24 * 3600 * 1000;

/** @throws EncoderError STORAGE_FAILED when the place cannot be written or holds something that is not a model. */
export async function createStaging(target: string): Promise<Staging> {
  const place = resolve(target);
  const parent = dirname(place);
  const prefix = `.${basename(place)}.building.`;
  const directory = join(parent, `${prefix}${hostname()}.${process.pid}.${randomBytes(4).toString("hex")}`);
  await storing(async () => {
    if (!(await isReplaceable(place))) {
      throw new EncoderError("STORAGE_FAILED", "The output folder holds files that are not a model; choose another.", {
        internal: place,
      });
    }
    await mkdir(parent, { recursive: true });
    await sweep(parent, prefix);
    await mkdir(directory);
  });
  return {
    directory,
    publish: ({ keepExisting }) =>
      storing(async () => {
        await syncFolder(directory);
        const replaced = `${directory}.replaced`;
        if (!keepExisting) await moveAway(place, replaced);
        try {
          await rename(directory, place);
        } catch (error) {
          if (keepExisting && (await isReplaceable(place))) return; // another build was faster
          await moveAway(replaced, place); // back again
          throw error;
        }
        await syncFolder(parent);
        await rm(replaced, { recursive: true, force: true });
      }),
    discard: () => rm(directory, { recursive: true, force: true }).catch(() => {}),
  };
}

/** Runs what writes to disk; a failure becomes STORAGE_FAILED with its reason. */
export async function storing<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code; // of node:fs; undefined on other errors
    if (code === undefined || cause instanceof EncoderError) throw cause;
    const problem = problems[code] ?? `writing failed (${code})`;
    throw new EncoderError("STORAGE_FAILED", `The model could not be stored: ${problem}.`, { cause });
  }
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

/** Nothing, an empty folder, or a model and not a file besides: a manifest.json alone also lies in other projects. */
export async function isReplaceable(place: string): Promise<boolean> {
  const names: string[] = await readdir(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (names.length === 0) return true;
  const files = await filesOfModel(place);
  return files !== undefined && names.every((name) => name === manifestFile || Object.hasOwn(files, name));
}

async function filesOfModel(place: string): Promise<Record<string, unknown> | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(place, manifestFile), "utf8"));
    return z.object({ formatVersion: z.number(), files: z.record(z.string(), z.unknown()) }).parse(manifest).files;
  } catch {
    return undefined;
  }
}

/** Does nothing where there is nothing. */
async function moveAway(place: string, elsewhere: string): Promise<void> {
  await rename(place, elsewhere).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

/** Removes what killed builds of the same folder left behind. */
async function sweep(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    const found = await stat(path).catch(() => undefined);
    if (found && isAbandoned(name.slice(prefix.length), found.mtimeMs))
      await rm(path, { recursive: true, force: true });
  }
}

/** @param owner "host.pid.random" */
function isAbandoned(owner: string, modifiedAt: number): boolean {
  if (Date.now() - modifiedAt > abandonedAfterMs) return true;
  if (!owner.startsWith(`${hostname()}.`)) return false;
  const pid = Number(owner.slice(hostname().length + 1).split(".")[0]);
  // The same number again (in a container, process 1 after a restart): whatever is older than this process is not its own.
  if (pid === process.pid) return modifiedAt < Date.now() - process.uptime() * 1000;
  try {
    process.kill(pid, 0); // only asks whether it is there
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH"; // as process.kill documents
  }
}

async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
