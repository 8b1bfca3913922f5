import { rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { readImageTower, readTextTower } from "../architecture/registry.ts";
import { type BuildOptions, type BuildProgress, buildModel } from "../build/build.ts";
import type { CheckpointFolder } from "../checkpoint/folder.ts";
import { indexOf, readShards } from "../checkpoint/shards.ts";
import { EncoderError } from "../errors.ts";
import { isReplaceable, openModel, verifyModel } from "../model/folder.ts";
import type { Model } from "../model/manifest.ts";
import { createLanes } from "../scheduling/lanes.ts";
import { checkFreeSpace } from "../storage/free-space.ts";
import { acquireLock, type LockOptions } from "../storage/lock.ts";
import { storing } from "../storage/storing.ts";
import type { Hub } from "./hub.ts";
import { isMissingFile } from "./refusal.ts";
import {
  type CheckpointSource,
  fetchFile,
  type LocatedFile,
  locateFile,
  openHubCheckpoint,
  openRepository,
  type Repository,
} from "./repository.ts";

export interface PullOptions {
  hub: Hub;
  image: CheckpointSource;
  text: CheckpointSource;
  /** The model's folder is built here; downloads are kept beside it in `.downloads` until then. */
  outDir: string;
  precision: BuildOptions["precision"];
  signal?: AbortSignal | undefined;
  onWait?: LockOptions["onWait"];
  /** Called before anything large is downloaded. */
  onNeeds?: (needs: Needs) => void;
  onDownload?: (progress: DownloadProgress) => void;
  onBuild?: (progress: BuildProgress) => void;
}

/** Says what a model takes, as far as the Hub tells the sizes of its files. */
export interface Needs {
  downloadBytes: number;
  /** Needed until the model is built. */
  diskBytes: number;
  /** Needed by a service, which maps the graphs into memory. */
  memoryBytes: number;
}

/** A service needs this besides its graphs: for the runtime, four decoders, caches. */
const serviceBytes = 400e6;

/** Tells of all weight files together. */
export interface DownloadProgress {
  receivedBytes: number;
  totalBytes: number;
}

/**
 * Downloads a checkpoint pair and builds a model from it. Stopped at any moment and called again, it goes on where it
 * was; the model's folder appears only when it is complete. Of several at once one works and the others wait.
 * @throws EncoderError HUB_FAILED, CHECKPOINT_INVALID or STORAGE_FAILED saying what to do.
 */
export async function pullModel(options: PullOptions): Promise<{ model: Model; wasInstalled: boolean }> {
  const { outDir, signal, onWait } = options;
  if (!(await storing(() => isReplaceable(outDir)))) {
    throw new EncoderError("STORAGE_FAILED", `${outDir} holds files that are not a model; choose another folder.`);
  }
  const downloadsDir = join(dirname(outDir), ".downloads");
  const lock = await acquireLock({ directory: downloadsDir, signal, ...(onWait && { onWait }) });
  const stop = new AbortController();
  const scope = AbortSignal.any([stop.signal, lock.signal, ...(signal ? [signal] : [])]);
  try {
    const open = (source: CheckpointSource) =>
      openRepository({ ...source, hub: options.hub, downloadsDir, signal: scope });
    const image = await open(options.image);
    const text = await open(options.text);
    const installed = await findInstalled(options, image, text);
    if (installed) return { model: installed, wasInstalled: true };

    await download({ ...options, stop }, await locateWeights(image, text));
    const model = await buildModel({
      imageDir: image.directory,
      textDir: text.directory,
      outDir,
      name: basename(outDir),
      precision: options.precision,
      sources: { image: originOf(image), text: originOf(text) },
      signal: scope,
      ...(options.onBuild && { onProgress: options.onBuild }),
    });
    for (const { directory } of [image, text]) {
      await rm(directory, { recursive: true, force: true });
      await rmdir(dirname(directory)).catch(() => {}); // another commit of the same repository is being downloaded
    }
    return { model, wasInstalled: false };
  } finally {
    stop.abort();
    await lock.release();
  }
}

const originOf = ({ repository, commit }: Repository) => ({ repository, revision: commit });

/** Finds what is there already, if it was made from these very commits and nothing of it was altered. */
async function findInstalled({ outDir, precision, signal }: PullOptions, image: Repository, text: Repository) {
  try {
    const model = await openModel(outDir);
    const { manifest } = model;
    const isFrom = (tower: "image" | "text", { repository, commit }: Repository) =>
      manifest.sources[tower].repository === repository &&
      manifest.sources[tower].revision === commit &&
      (precision === "auto" || manifest[tower].precision === precision);
    if (!isFrom("image", image) || !isFrom("text", text)) return undefined;
    await verifyModel(model, signal);
    return model;
  } catch {
    signal?.throwIfAborted();
    return undefined; // none, or a damaged one: it is replaced
  }
}

interface Weights {
  from: Repository;
  file: LocatedFile;
  /** Factor by which its numbers grow as float32. */
  growth: number;
}

/** Brings the small files here, which also tells of what is not implemented before a gigabyte was downloaded. */
async function locateWeights(image: Repository, text: Repository): Promise<Weights[]> {
  const wanted = new Map<string, () => Promise<Weights[]>>(); // both towers may be in one file
  const towers = [[image, readImageTower] as const, [text, readTextTower] as const];
  for (const [from, readTower] of towers) {
    const folder = await openHubCheckpoint(from);
    const { weightFiles } = await readTower(folder);
    for (const file of weightFiles) wanted.set(`${from.directory} ${file}`, () => locateTensors(from, folder, file));
  }
  return (await Promise.all([...wanted.values()].map((locate) => locate()))).flat();
}

/** One file of tensors, or its shards where the repository has an index instead. */
async function locateTensors(from: Repository, folder: CheckpointFolder, file: string): Promise<Weights[]> {
  const growth = await growthOf(folder, file);
  const locate = async (path: string) => ({ from, file: await locateFile(from, path), growth });
  try {
    return [await locate(file)];
  } catch (error) {
    if (!isMissingFile(error) || !(await folder.has(indexOf(file)))) throw error;
  }
  const shards = await readShards(folder, file);
  return Promise.all([...new Set(shards.values())].map(locate));
}

/** transformers names the type of the numbers in the configuration beside them; `torch_dtype` until its version 5. */
async function growthOf(folder: CheckpointFolder, file: string): Promise<number> {
  const config = `${file.slice(0, file.lastIndexOf("/") + 1)}config.json`;
  const { dtype, torch_dtype } = (await folder.has(config)) ? await folder.json(config, typeSchema) : {};
  return ["float16", "bfloat16"].includes(dtype ?? torch_dtype ?? "float32") ? 2 : 1;
}

const typeSchema = z.object({ dtype: z.string().nullish(), torch_dtype: z.string().nullish() }).partial();

async function download(
  { hub, outDir, precision, onNeeds, onDownload, stop }: PullOptions & { stop: AbortController },
  weights: Weights[],
): Promise<void> {
  const totalBytes = weights.reduce((sum, { file }) => sum + (file.bytes ?? 0), 0);
  const missingBytes = weights.reduce((sum, { file }) => sum + (file.isHere ? 0 : (file.bytes ?? 0)), 0);
  const modelBytes = weights.reduce((sum, { file, growth }) => sum + (file.bytes ?? 0) * growth, 0); // as float32
  const diskBytes = missingBytes + modelBytes;
  const graphBytes = modelBytes / { fp32: 1, auto: 1, fp16: 2, int8: 3.9 }[precision];
  onNeeds?.({ downloadBytes: missingBytes, diskBytes, memoryBytes: graphBytes + serviceBytes });
  await checkFreeSpace(dirname(outDir), diskBytes);

  const received = weights.map(() => 0);
  const lanes = createLanes({ lanes: hub.concurrency });
  const fetchOne = async ({ from, file }: Weights, index: number) => {
    stop.signal.throwIfAborted();
    await fetchFile(from, file, (bytes) => {
      received[index] = bytes;
      onDownload?.({ receivedBytes: received.reduce((sum, bytes) => sum + bytes, 0), totalBytes });
    });
  };
  // One file that cannot be had makes the others useless; they have ended before the lock is given back.
  const giveUp = (error: unknown) => stop.abort(error);
  await Promise.all(weights.map((it, index) => lanes.run(() => fetchOne(it, index)).catch(giveUp)));
  stop.signal.throwIfAborted();
}
