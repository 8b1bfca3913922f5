import { type CheckpointFolder, type CheckpointModule, onlyModule } from "../../checkpoint/folder.ts";
import { type ImageProcessor, type ProcessorDefaults, readImageProcessor } from "../../checkpoint/image-processor.ts";
import type { Safetensors } from "../../checkpoint/safetensors.ts";
import { configuration, exactly, size } from "../../checkpoint/transformers-config.ts";
import type { Manifest } from "../../model/manifest.ts";
import { encoderKeys, encoderOf, projectionKeys, towerConfig } from "../encoder-config.ts";
import { gridOf } from "../patches.ts";
import type { Architecture, ImageTower } from "../tower.ts";
import { imageGraph, type VisionTransformer } from "./graph.ts";

export const clipVision: Architecture<ImageTower> = {
  name: "clip-vision",
  modelTypes: ["clip", "clip_vision_model"],
  read,
};

async function read(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]): Promise<ImageTower> {
  const folder = onlyModule(checkpoint, modules, ["CLIPModel", "Transformer"]);
  const { tower, inputs, weightFile } = await readVisionTransformer(checkpoint, folder);
  return {
    architecture: clipVision.name,
    dimensions: tower.dimensions,
    weightFiles: [weightFile],
    inputs,
    tokens: 1 + gridOf(tower.patches) ** 2,
    graph: ([tensors], arithmetic) => imageGraph(tower, { tensors: tensors!, arithmetic }),
    logit: ([tensors]) => readLogit(tensors!),
  };
}

/** Reads the vision transformer of a CLIP model in one folder of a checkpoint. */
export async function readVisionTransformer(
  checkpoint: CheckpointFolder,
  folder: string,
): Promise<{ tower: VisionTransformer; inputs: ImageProcessor; weightFile: string }> {
  const file = `${folder}config.json`;
  const schemas = { pairType: "clip", pair: pairSchema, alone: aloneSchema };
  const { vision, dimensions } = await towerConfig(checkpoint, file, schemas);
  if (vision.patch_size > vision.image_size) {
    throw checkpoint.refusal(`${file}: patch_size ${vision.patch_size} is larger than image_size ${vision.image_size}`);
  }
  const inputs = await readImageProcessor(checkpoint, { folder, imageSize: vision.image_size, defaults });
  const { mean, std } = inputs;
  const tower: VisionTransformer = {
    patches: { imageSize: vision.image_size, patchSize: vision.patch_size, width: vision.hidden_size, mean, std },
    encoder: encoderOf(checkpoint, { folder, prefix: "vision_model", config: vision }),
    dimensions,
  };
  return { tower, inputs, weightFile: `${folder}model.safetensors` };
}

async function readLogit(tensors: Safetensors): Promise<Manifest["logit"]> {
  if (!tensors.names.has("logit_scale")) return null;
  const [scale] = await tensors.weight("logit_scale", []).read();
  return { kind: "softmax", scale: scale! };
}

/** The defaults are those of transformers' CLIPImageProcessor. */
const defaults: ProcessorDefaults = {
  kind: "CLIP",
  size: { shortest_edge: 224 },
  centreCrop: true,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/** The defaults are those of transformers' CLIPVisionConfig. */
const visionKeys = {
  model_type: exactly("clip_vision_model").default("clip_vision_model"),
  ...encoderKeys({
    ...{ width: 768, mlpWidth: 3072, layers: 12, heads: 12 },
    ...{ activation: "quick_gelu", epsilon: 1e-5 },
  }),
  num_channels: exactly(3).default(3),
  image_size: size().default(224),
  patch_size: size().default(32),
};
const visionSchema = configuration(visionKeys);

/** A projection_dim inside vision_config does not count: CLIPModel takes this one. */
const pairSchema = configuration({
  model_type: exactly("clip"),
  projection_dim: size().default(512),
  vision_config: visionSchema.nullish(),
  vision_config_dict: visionSchema.nullish(), // written by transformers before 4.26; it wins over vision_config
}).transform((clip) => ({
  vision: clip.vision_config_dict ?? clip.vision_config ?? visionSchema.parse({}),
  dimensions: clip.projection_dim,
}));

/** CLIPVisionModelWithProjection has the tower's configuration alone. */
const aloneSchema = configuration({
  ...visionKeys,
  ...projectionKeys("CLIPVisionModelWithProjection"),
}).transform((vision) => ({ vision, dimensions: vision.projection_dim }));
