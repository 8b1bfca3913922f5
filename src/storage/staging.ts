import { mkdir, open, rename, rm, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { EncoderError } from "../errors.ts";
import { acquireLock } from "./lock.ts";
import { forgiving, storing } from "./storing.ts";

/** Holds a folder that is written beside its final place and appears there all at once, or not at all. */
export interface Staging {
  directory: string;
  /** Puts the folder in place of whatever is there. */
  publish(): Promise<void>;
  discard(): Promise<void>;
}

export interface StagingOptions {
  target: string;
  /** Tells whether what lies at the target may be replaced. */
  isReplaceable(place: string): Promise<boolean>;
  signal: AbortSignal;
}

/**
 * Creates `.NAME.building` beside the target, which is locked, so that of several builds of one target each finds the
 * result of the one before it, and what a killed build left behind is known to be nobody's.
 * @throws EncoderError STORAGE_FAILED when the place cannot be written or holds something that may not be replaced.
 */
export async function createStaging({ target, isReplaceable, signal }: StagingOptions): Promise<Staging> {
  const place = resolve(target);
  const area = join(dirname(place), `.${basename(place)}.building`);
  const directory = join(area, "new");
  const replaced = join(area, "replaced");
  const requireReplaceable = async () => {
    if (await isReplaceable(place)) return;
    const message = "The output folder holds files that are not a model; choose another.";
    throw new EncoderError("STORAGE_FAILED", message, { internal: place });
  };
  await storing(requireReplaceable);
  const lock = await acquireLock({ directory: area, signal });
  const discard = async () => {
    for (const leftover of [directory, replaced]) await rm(leftover, { recursive: true, force: true }).catch(() => {});
    await lock.release();
    await rmdir(area).catch(() => {}); // somebody else waits in it
  };
  try {
    await storing(async () => {
      await requireReplaceable();
      await putBack(replaced, place);
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory);
    });
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    directory,
    discard,
    publish: () =>
      storing(async () => {
        lock.signal.throwIfAborted();
        await syncFolder(directory);
        await rename(place, replaced).catch(forgiving("ENOENT"));
        try {
          await rename(directory, place);
        } catch (error) {
          await rename(replaced, place).catch(forgiving("ENOENT"));
          throw error;
        }
        await syncFolder(dirname(place));
      }),
  };
}

/** Puts back the target's last state, which a build that was killed between its two renames has left here. */
async function putBack(replaced: string, place: string): Promise<void> {
  const isThere = await stat(place).catch(() => undefined);
  if (!isThere) await rename(replaced, place).catch(forgiving("ENOENT"));
  await rm(replaced, { recursive: true, force: true });
}

async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  await handle.sync().finally(() => handle.close());
}
