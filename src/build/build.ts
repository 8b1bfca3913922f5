import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { imageGraph } from "../architecture/clip-vision/graph.ts";
import { readImageCheckpoint } from "../architecture/clip-vision/reader.ts";
import { textGraph } from "../architecture/distilbert/graph.ts";
import { readTextCheckpoint } from "../architecture/distilbert/reader.ts";
import { type CheckpointFolder, openCheckpoint } from "../checkpoint/folder.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import { EncoderError } from "../errors.ts";
import { packageVersion } from "../host/package.ts";
import { fileRecord, openModel } from "../model/folder.ts";
import { formatVersion, type Manifest, type Model, manifestFile } from "../model/manifest.ts";
import { createStaging } from "../storage/staging.ts";
import { writeBytes } from "../storage/write-through.ts";
import { imageSamples, textSamples } from "./int8/samples.ts";
import { type PrecisionChoice, writeTower } from "./int8/tower.ts";

export interface BuildOptions {
  /** Checkpoint folders in the sentence-transformers layout. */
  imageDir: string;
  textDir: string;
  /** Appears only when it is complete. A model that is already there is replaced; anything else is left alone. */
  outDir: string;
  name: string;
  precision: PrecisionChoice;
  /** Where the checkpoints come from, for the manifest. */
  sources?: { image: Origin; text: Origin };
  /** Leaves a model that another build put in place meanwhile. */
  keepExisting?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: BuildProgress) => void;
}

interface Origin {
  repository: string;
  revision: string;
}

export interface BuildProgress {
  tower: "image" | "text";
  /** From 0 to 1. */
  fraction: number;
}

/**
 * Builds a model folder from a checkpoint pair. Equal checkpoints give equal bytes.
 * @throws EncoderError CHECKPOINT_INVALID for whatever is wrong with or not implemented of the checkpoints, and
 * STORAGE_FAILED when the result cannot be written.
 */
export async function buildModel(options: BuildOptions): Promise<Model> {
  const image = await openCheckpoint(options.imageDir, "Image checkpoint");
  const text = await openCheckpoint(options.textDir, "Text checkpoint");
  try {
    const staging = await createStaging(options.outDir);
    try {
      const manifest = await writeModel({ ...options, image, text, directory: staging.directory });
      await writeBytes(join(staging.directory, manifestFile), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
      await staging.publish({ keepExisting: options.keepExisting ?? false });
    } finally {
      await staging.discard();
    }
  } finally {
    await image.close();
    await text.close();
  }
  return openModel(options.outDir);
}

/** Writes everything but the manifest, which it returns. */
async function writeModel(
  options: BuildOptions & { image: CheckpointFolder; text: CheckpointFolder; directory: string },
): Promise<Manifest> {
  const { image, text, directory, precision, onProgress, signal = new AbortController().signal } = options;
  const imageCheckpoint = await readImageCheckpoint(image);
  const textCheckpoint = await readTextCheckpoint(text);
  const { dimensions } = imageCheckpoint.tower;
  if (textCheckpoint.tower.dimensions !== dimensions) {
    throw new EncoderError(
      "CHECKPOINT_INVALID",
      `The image tower gives ${dimensions} dimensions and the text tower ${textCheckpoint.tower.dimensions}: they are no pair.`,
    );
  }

  const imageTensors = await image.tensors(imageCheckpoint.tensorsFile);
  const textTensors = await text.tensors(textCheckpoint.tensorsFile);
  const dense = await text.tensors(textCheckpoint.denseTensorsFile);
  const tokenizerFile = join(text.directory, textCheckpoint.tokenizerFile);
  const common = (name: "image" | "text") => ({
    name,
    precision,
    dimensions,
    directory,
    signal,
    onProgress: (fraction: number) => onProgress?.({ tower: name, fraction }),
  });
  const imageTower = await writeTower({
    ...common("image"),
    graphWith: (arithmetic) => imageGraph({ tower: imageCheckpoint.tower, tensors: imageTensors, arithmetic }),
    samples: async () => imageSamples(imageCheckpoint.tower.imageSize),
  });
  const textTower = await writeTower({
    ...common("text"),
    graphWith: (arithmetic) => textGraph({ tower: textCheckpoint.tower, tensors: textTensors, dense, arithmetic }),
    samples: () => textSamples({ ...textCheckpoint, file: tokenizerFile, signal }),
  });
  const tokenizer = await readFile(tokenizerFile);

  return {
    formatVersion,
    name: options.name,
    dimensions,
    logitScale: await readLogitScale(imageTensors),
    image: {
      graph: "image.onnx",
      precision: imageTower.precision,
      size: imageCheckpoint.tower.imageSize,
      resize: imageCheckpoint.resize,
      mean: imageCheckpoint.tower.mean,
      std: imageCheckpoint.tower.std,
      background: imageCheckpoint.background,
      ...(imageTower.fidelity && { fidelity: imageTower.fidelity }),
    },
    text: {
      graph: "text.onnx",
      tokenizer: "tokenizer.json",
      precision: textTower.precision,
      maxTokens: textCheckpoint.maxTokens,
      padId: textCheckpoint.padId,
      ...(textTower.fidelity && { fidelity: textTower.fidelity }),
    },
    sources: {
      image: { ...options.sources?.image, files: await recordsOf(image, signal) },
      text: { ...options.sources?.text, files: await recordsOf(text, signal) },
    },
    files: {
      ...imageTower.files,
      ...textTower.files,
      "tokenizer.json": await writeBytes(join(directory, "tokenizer.json"), tokenizer),
    },
    builtBy: await packageVersion(),
  };
}

async function readLogitScale(tensors: Safetensors): Promise<number | null> {
  if (!tensors.names.has("logit_scale")) return null;
  const [value] = await tensors.weight("logit_scale", []).read();
  return value!;
}

async function recordsOf({ directory, filesRead }: CheckpointFolder, signal: AbortSignal) {
  const records: Manifest["sources"]["image"]["files"] = {};
  for (const file of [...filesRead].sort()) records[file] = await fileRecord(join(directory, file), signal);
  return records;
}
