import { join } from "node:path";
import { readImageTower, readTextTower } from "../architecture/registry.ts";
import type { ImageTower, TextTower } from "../architecture/tower.ts";
import { type CheckpointFolder, openCheckpoint } from "../checkpoint/folder.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { EncoderError, toEncoderError } from "../errors.ts";
import { fp32 } from "../graph/arithmetic.ts";
import { packageVersion } from "../host/package.ts";
import { fileRecord, isReplaceable, openModel } from "../model/folder.ts";
import { formatVersion, type Manifest, type Model, manifestFile, manifestSchema } from "../model/manifest.ts";
import { createStaging } from "../storage/staging.ts";
import { writeBytes } from "../storage/write-through.ts";
import { openTokenizer } from "../text/tokenizer.ts";
import { imageSamples, textSamples } from "./int8/samples.ts";
import { type PrecisionChoice, type TowerOptions, writeTower } from "./write-tower.ts";

export interface BuildOptions {
  /** Both are checkpoint folders; one that holds both towers may be given twice. */
  imageDir: string;
  textDir: string;
  /** The folder appears only when it is complete. It replaces a model, but nothing else that lies there. */
  outDir: string;
  name: string;
  precision: PrecisionChoice;
  /** Where the checkpoints come from, for the manifest. */
  sources?: Record<"image" | "text", { repository: string; revision: string }>;
  /** Keeps a whole model that another process put in place meanwhile. */
  keepExisting?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: BuildProgress) => void;
}

export interface BuildProgress {
  tower: "image" | "text";
  /** From 0 to 1. */
  fraction: number;
}

/**
 * Builds a model folder from a checkpoint of each tower. Equal checkpoints give equal bytes.
 * @throws EncoderError CHECKPOINT_INVALID for whatever is wrong with the checkpoints or not implemented of them, and
 * STORAGE_FAILED when the result cannot be written.
 */
export async function buildModel(options: BuildOptions): Promise<Model> {
  const { outDir, signal = new AbortController().signal, keepExisting = false } = options;
  const image = await openCheckpoint(options.imageDir, "Image checkpoint");
  const text = await openCheckpoint(options.textDir, "Text checkpoint");
  try {
    const staging = await createStaging({ target: outDir, isReplaceable, signal });
    try {
      const existing = keepExisting ? await openModel(outDir).catch(() => undefined) : undefined;
      if (existing) return existing;
      const manifest = await writeModel({ ...options, image, text, directory: staging.directory, signal });
      if (!manifestSchema.safeParse(manifest).success) {
        throw new EncoderError("CHECKPOINT_INVALID", "The checkpoints give a model that could not be opened.");
      }
      await writeBytes(join(staging.directory, manifestFile), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
      await staging.publish();
    } finally {
      await staging.discard();
    }
  } finally {
    await image.close();
    await text.close();
  }
  return openModel(outDir);
}

interface WriteOptions extends BuildOptions {
  image: CheckpointFolder;
  text: CheckpointFolder;
  directory: string;
  signal: AbortSignal;
}

const tokenizerFile = "tokenizer.json";

/** @throws EncoderError CHECKPOINT_INVALID where the service could not tokenise with it. */
async function tryTokenizer(file: string, { maxTokens }: { maxTokens: number }): Promise<void> {
  try {
    await openTokenizer({ file, maxTokens }).tokenize(["a"], new AbortController().signal);
  } catch (thrown) {
    const { internal } = toEncoderError(thrown);
    throw new EncoderError("CHECKPOINT_INVALID", "The text checkpoint's tokenizer.json cannot be used.", { internal });
  }
}

/** Writes everything but the manifest, which it returns. */
async function writeModel(options: WriteOptions): Promise<Manifest> {
  const { directory, precision, onProgress, signal } = options;
  const image = await readImageTower(options.image);
  const text = await readTextTower(options.text);
  const { dimensions } = image;
  if (text.dimensions !== dimensions) {
    const message = `The image tower gives ${dimensions} dimensions and the text tower ${text.dimensions}: they are no pair.`;
    throw new EncoderError("CHECKPOINT_INVALID", message);
  }
  const imageTensors = await openTensors(options.image, image);
  const textTensors = await openTensors(options.text, text);
  const tokenizer = await writeBytes(join(directory, tokenizerFile), text.tokenizer);
  await tryTokenizer(join(directory, tokenizerFile), text.inputs);

  const write = (name: "image" | "text", tower: Pick<TowerOptions, "graphWith" | "samples">) =>
    writeTower({
      ...tower,
      ...{ name, precision, dimensions, directory, signal },
      onProgress: (fraction) => onProgress?.({ tower: name, fraction }),
    });
  const imageResult = await write("image", {
    graphWith: (arithmetic) => image.graph(imageTensors, arithmetic),
    samples: async () =>
      imageSamples({ size: image.inputs.size, cost: image.tokens * parametersOf(image, imageTensors) }),
  });
  const textResult = await write("text", {
    graphWith: (arithmetic) => text.graph(textTensors, arithmetic),
    samples: () => textSamples({ file: join(directory, tokenizerFile), inputs: text.inputs, signal }),
  });

  const recordsOf = createRecords(signal);
  return {
    formatVersion,
    name: options.name,
    dimensions,
    logit: await image.logit(imageTensors),
    image: { architecture: image.architecture, ...image.inputs, ...imageResult.tower },
    text: { architecture: text.architecture, tokenizer: tokenizerFile, ...text.inputs, ...textResult.tower },
    sources: {
      image: { ...options.sources?.image, files: await recordsOf(options.image) },
      text: { ...options.sources?.text, files: await recordsOf(options.text) },
    },
    files: { ...imageResult.files, ...textResult.files, [tokenizerFile]: tokenizer },
    builtBy: await packageVersion(),
  };
}

function parametersOf(tower: ImageTower, tensors: readonly Safetensors[]): number {
  const { stored } = tower.graph(tensors, fp32);
  return stored.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

async function openTensors(checkpoint: CheckpointFolder, { weightFiles }: ImageTower | TextTower) {
  const tensors: Safetensors[] = [];
  for (const file of weightFiles) tensors.push(await checkpoint.tensors(file));
  return tensors;
}

/** Collects the size and sha256 of each file that was read. One that both towers read is hashed once. */
function createRecords(signal: AbortSignal) {
  const known = new Map<string, ReturnType<typeof fileRecord>>();
  return async ({ directory, filesRead }: CheckpointFolder) => {
    const records: Manifest["sources"]["image"]["files"] = {};
    for (const file of [...filesRead].sort()) {
      const path = join(directory, file);
      const record = known.get(path) ?? fileRecord(path, signal);
      known.set(path, record);
      records[file] = await record;
    }
    return records;
  };
}
