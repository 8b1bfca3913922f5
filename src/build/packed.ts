import { createHash } from "node:crypto";
import { lstat, mkdir, open, readdir, readFile, rm, stat, statfs, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { openOnce, packedWeights } from "../engine/pack.ts";
import { runtimeVersion } from "../engine/runtime-version.ts";
import { EncoderError, toEncoderError } from "../errors.ts";
import { alignExternalData, type Move } from "../graph/external-data.ts";
import { processorIdentity } from "../host/processor.ts";
import { verifyModel } from "../model/folder.ts";
import type { Model } from "../model/manifest.ts";
import { checkFreeSpace } from "../storage/free-space.ts";
import { createStaging } from "../storage/staging.ts";
import { storing } from "../storage/storing.ts";
import { ownTemporaryFolder } from "../storage/temporary-folder.ts";
import { writeBytes, writeWhole } from "../storage/write-through.ts";

export interface PackedOptions {
  model: Model;
  tower: "image" | "text";
  modelsDir: string;
  signal?: AbortSignal | undefined;
}

/** Hidden folders of MODELS_DIR are no models. */
const folderName = ".packed";
/** It changes with whatever this file and the engine's settings change of what is written. */
const formatVersion = 1;
/** Lists the files of a packed graph with their sizes, and is written last. */
const recordFile = "packed.json";
const recordSchema = z.record(z.string(), z.number());
/** Somebody else who packs the same weights is waited for no longer: the service starts without them. */
const longestWaitMs = 30_000;

/**
 * Finds a model's graph with its weights packed for this processor, which engines share, or makes it in a folder that is
 * named after everything that it depends on. It takes some seconds, and twice the room of the weights.
 * @returns the path of the .onnx file
 * @throws EncoderError STORAGE_FAILED where there is no disk for it, MODEL_INVALID where the model's files are not those of
 * its manifest, ENGINE_FAILED; the signal's reason when aborted.
 */
export async function openPacked(options: PackedOptions): Promise<string> {
  return openBelow(join(options.modelsDir, folderName), options).catch(async (error) => {
    if (!(error instanceof EncoderError) || error.code !== "STORAGE_FAILED") throw error;
    const temporary = await ownTemporaryFolder();
    if (temporary === undefined) throw error;
    return openBelow(join(temporary, folderName), options).catch((second) => {
      options.signal?.throwIfAborted();
      const { message } = toEncoderError(second);
      throw new EncoderError("STORAGE_FAILED", `${error.message} In ${temporary}: ${message}`, { cause: error });
    });
  });
}

/** Removes what was packed of a model's graphs on this machine. A service that has opened it keeps what it has. */
export async function removePacked(model: Model, modelsDir: string): Promise<void> {
  const temporary = await ownTemporaryFolder().catch(() => undefined);
  for (const parent of [modelsDir, temporary]) {
    if (parent === undefined) continue;
    for (const tower of ["image", "text"] as const) {
      await rm(placeOf(join(parent, folderName), model, tower), { recursive: true, force: true });
    }
  }
}

const placeOf = (parent: string, model: Model, tower: "image" | "text") =>
  join(parent, `${tower}-${fingerprint(model, tower)}`);

async function openBelow(parent: string, { model, tower, signal }: PackedOptions): Promise<string> {
  const { graph, largestPair } = model.manifest[tower];
  const place = placeOf(parent, model, tower);
  const packed = join(place, graph);
  if (await isWhole(place)) return packed;
  await storing(() => mkdir(parent, { recursive: true, mode: 0o700 }));
  await requireDisk(parent);
  await checkFreeSpace(parent, 4 * (weightBytes(model, tower) ?? 0), "packed weights");
  const staging = await createStaging({
    target: place,
    isReplaceable: async () => true, // nobody else has such a name for a folder
    signal: AbortSignal.any([AbortSignal.timeout(longestWaitMs), ...(signal ? [signal] : [])]),
  });
  try {
    if (await isWhole(place)) return packed; // another process was faster
    const unaligned = join(staging.directory, `unaligned.${graph}`);
    const made = join(staging.directory, graph);
    await openOnce({ graph: join(model.directory, graph), packTo: unaligned, largestPair }, signal);
    await align(unaligned, made);
    await openOnce({ graph: made, largestPair }, signal);
    // What was packed from damaged files, or from those of another model, would outlive them.
    await verifyModel(model, signal, [graph, weightsOf(graph)]);
    await writeRecord(staging.directory, [graph, packedWeights(graph)]);
    await removeUnused(parent);
    await staging.publish();
  } finally {
    await staging.discard();
  }
  return packed;
}

/** Changes with whatever changes the graph or its packed weights. */
function fingerprint({ manifest }: Model, tower: "image" | "text"): string {
  const { largestPair } = manifest[tower];
  const facts = [formatVersion, manifest.files, largestPair, runtimeVersion(), processorIdentity()];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 16);
}

async function writeRecord(directory: string, files: string[]): Promise<void> {
  const sizes = await Promise.all(files.map(async (file) => [file, (await stat(join(directory, file))).size] as const));
  await writeBytes(join(directory, recordFile), Buffer.from(JSON.stringify(Object.fromEntries(sizes))));
}

const weightsOf = (graph: string) => graph.replace(/\.onnx$/, ".weights");

/** Counts the bytes of a tower's weights, which lie beside its graph; undefined where the manifest does not list them. */
export function weightBytes({ manifest }: Model, tower: "image" | "text"): number | undefined {
  return manifest.files[weightsOf(manifest[tower].graph)]?.bytes;
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

/**
 * Tells whether a folder holds all files at their sizes, and nobody but this user or root can have written them, and notes
 * that it is in use.
 */
async function isWhole(place: string): Promise<boolean> {
  try {
    const { uid, mode } = await lstat(place);
    const isOwn = uid === 0 || uid === process.getuid?.() || process.platform === "win32";
    if (!isOwn || (mode & 0o022) !== 0) return false;
    const sizes = recordSchema.parse(JSON.parse(await readFile(join(place, recordFile), "utf8")));
    for (const [file, size] of Object.entries(sizes)) if ((await stat(join(place, file))).size !== size) return false;
  } catch {
    return false; // it is not there, or not whole
  }
  const now = new Date();
  await utimes(place, now, now).catch(() => {}); // it is root's
  return true;
}

async function removeUnused(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    const place = join(parent, name);
    const { mtimeMs } = await stat(place).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > unusedAfterMs) await rm(place, { recursive: true, force: true }).catch(() => {});
  }
}
