import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rm, stat, statfs, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import { checkGraph, packedWeights, packGraph } from "../engine/pack.ts";
import { runtimeVersion } from "../engine/runtime-version.ts";
import { EncoderError } from "../errors.ts";
import { alignExternalData, type Move } from "../graph/external-data.ts";
import { processorIdentity } from "../host/processor.ts";
import type { Model } from "../model/manifest.ts";
import { checkFreeSpace } from "../storage/free-space.ts";
import { createStaging } from "../storage/staging.ts";
import { storing } from "../storage/storing.ts";
import { temporaryFolder } from "../storage/temporary-folder.ts";
import { writeBytes, writeWhole } from "../storage/write-through.ts";

export interface PackedOptions {
  model: Model;
  tower: "image" | "text";
  modelsDir: string;
  signal?: AbortSignal | undefined;
}

/** Hidden folders of MODELS_DIR are no models. */
const folderName = ".packed";

/**
 * Finds a model's graph with its weights packed for this processor, which engines share, or makes it in a folder that is
 * named after everything that it depends on. It takes about a second, and twice the room of the weights.
 * @returns the path of the .onnx file
 * @throws EncoderError STORAGE_FAILED where there is no disk for it; the signal's reason when aborted.
 */
export async function openPacked(options: PackedOptions): Promise<string> {
  const { modelsDir } = options;
  return openBelow(join(modelsDir, folderName), options).catch(async (error) => {
    if (!(error instanceof EncoderError) || error.code !== "STORAGE_FAILED") throw error;
    return openBelow(join(await temporaryFolder(), folderName), options);
  });
}

async function openBelow(parent: string, { model, tower, signal }: PackedOptions): Promise<string> {
  const { graph, largestPair } = model.manifest[tower];
  const place = join(parent, `${tower}-${fingerprint(model)}`);
  const packed = join(place, graph);
  if (await isUsed(place)) return packed;
  await storing(() => mkdir(parent, { recursive: true }));
  await requireDisk(parent);
  await checkFreeSpace(parent, 4 * weightBytes(model, tower), "packed weights");
  const staging = await createStaging({
    target: place,
    isReplaceable: async () => true, // nobody else has such a name for a folder
    signal: signal ?? new AbortController().signal,
  });
  try {
    if (await isUsed(place)) return packed; // another process was faster
    const unaligned = join(staging.directory, `unaligned.${graph}`);
    await packGraph({ graph: join(model.directory, graph), packTo: unaligned, largestPair }, signal);
    await align(unaligned, join(staging.directory, graph));
    await checkGraph({ graph: join(staging.directory, graph), largestPair }, signal);
    await removeUnused(parent);
    await staging.publish();
  } finally {
    await staging.discard();
  }
  return packed;
}

/** Changes with whatever changes the graph or its packed weights. */
function fingerprint({ manifest }: Model): string {
  const facts = JSON.stringify([manifest.files, runtimeVersion(), processorIdentity()]);
  return createHash("sha256").update(facts).digest("hex").slice(0, 16);
}

/** Counts the bytes of a tower's weights, which lie beside its graph. */
export function weightBytes({ manifest }: Model, tower: "image" | "text"): number {
  return manifest.files[`${tower}.weights`]?.bytes ?? 0;
}

/** Pages of a file in memory would be memory that nobody gives back. */
async function requireDisk(folder: string): Promise<void> {
  const { type } = await statfs(folder);
  if (!inMemory.has(type)) return;
  const message = "Packed weights need a folder on a disk, and this one lies in memory.";
  throw new EncoderError("STORAGE_FAILED", message, { internal: folder });
}

/** Linux gives these types to tmpfs and ramfs. */
const inMemory = new Set([0x01021994, 0x858458f6]);

/**
 * Writes a graph and its weights through to the disk, with every constant and packed form at a place that kernels can read
 * from, and removes the files that the runtime wrote.
 */
async function align(from: string, to: string): Promise<void> {
  const [fromWeights, toWeights] = [packedWeights(from), packedWeights(to)];
  const { model, moves } = alignExternalData(await readFile(from), basename(toWeights));
  await writeBytes(to, model);
  await storing(() => copyRanges(fromWeights, toWeights, moves));
  for (const file of [from, fromWeights]) await rm(file);
}

async function copyRanges(from: string, to: string, moves: readonly Move[]): Promise<void> {
  const [source, target] = [await open(from, "r"), await open(to, "wx")];
  try {
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (const move of moves) {
      for (let at = 0; at < move.bytes; ) {
        const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, move.bytes - at), move.from + at);
        if (bytesRead === 0) throw new EncoderError("STORAGE_FAILED", "The packed weights were not written whole.");
        await writeWhole(target, buffer.subarray(0, bytesRead), move.to + at);
        at += bytesRead;
      }
    }
    await target.sync();
  } finally {
    await source.close();
    await target.close();
  }
}

/** A folder that no process has opened for so long belongs to a model or a version that is gone. */
const unusedAfterMs = 30 * 24 * 60 * 60 * 1000;

/** Tells whether the folder is there, and notes that it is in use. */
async function isUsed(place: string): Promise<boolean> {
  const now = new Date();
  return utimes(place, now, now).then(
    () => true,
    () =>
      stat(place).then(
        () => true, // it is somebody else's
        () => false,
      ),
  );
}

async function removeUnused(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const place = join(parent, name);
    const { mtimeMs } = await stat(place).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > unusedAfterMs) await rm(place, { recursive: true, force: true }).catch(() => {});
  }
}
