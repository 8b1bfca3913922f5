import { z } from "zod";
import { type CheckpointFolder, type CheckpointModule, onlyModule } from "../../checkpoint/folder.ts";
import { type ProcessorDefaults, readImageProcessor } from "../../checkpoint/image-processor.ts";
import { prefixed, type Safetensors } from "../../checkpoint/safetensors.ts";
import { configuration, exactly, size } from "../../checkpoint/transformers-config.ts";
import type { Manifest } from "../../model/manifest.ts";
import { encoderKeys, encoderOf, towerConfig } from "../encoder-config.ts";
import { gridOf } from "../patches.ts";
import type { Architecture, ImageTower } from "../tower.ts";
import { imageGraph, type VisionTransformer } from "./graph.ts";

export const siglipVision: Architecture<ImageTower> = {
  name: "siglip-vision",
  modelTypes: ["siglip", "siglip_vision_model"],
  read,
};

async function read(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]): Promise<ImageTower> {
  const folder = onlyModule(checkpoint, modules, ["Transformer"]);
  const file = `${folder}config.json`;
  const vision = await towerConfig(checkpoint, file, { pairType: "siglip", pair: pairSchema, alone: visionSchema });
  if (vision.patch_size > vision.image_size) {
    throw checkpoint.refusal(`${file}: patch_size ${vision.patch_size} is larger than image_size ${vision.image_size}`);
  }
  const pixels = await readImageProcessor(checkpoint, { folder, imageSize: vision.image_size, defaults });
  const { mean, std } = pixels;
  const tower: VisionTransformer = {
    patches: { imageSize: vision.image_size, patchSize: vision.patch_size, width: vision.hidden_size, mean, std },
    encoder: encoderOf(checkpoint, { folder, prefix: "vision_model", config: vision }),
  };
  return {
    architecture: siglipVision.name,
    dimensions: vision.hidden_size,
    weightFiles: [`${folder}model.safetensors`],
    inputs: pixels,
    tokens: gridOf(tower.patches) ** 2,
    graph: ([tensors], arithmetic) => imageGraph(tower, { tensors: prefixed(tensors!, "vision_model."), arithmetic }),
    logit: ([tensors]) => readLogit(tensors!),
  };
}

async function readLogit(tensors: Safetensors): Promise<Manifest["logit"]> {
  if (!tensors.names.has("logit_scale")) return null;
  const [scale] = await tensors.weight("logit_scale", [1]).read();
  const [bias] = await tensors.weight("logit_bias", [1]).read();
  return { kind: "sigmoid", scale: scale!, bias: bias! };
}

/** The defaults are those of transformers' SiglipImageProcessor. */
const defaults: ProcessorDefaults = {
  kind: "Siglip",
  size: { height: 224, width: 224 },
  centreCrop: false,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};

/** The defaults are those of transformers' SiglipVisionConfig. */
const visionSchema = configuration({
  model_type: exactly("siglip_vision_model").default("siglip_vision_model"),
  ...encoderKeys({
    ...{ width: 768, mlpWidth: 3072, layers: 12, heads: 12 },
    ...{ activation: "gelu_pytorch_tanh", epsilon: 1e-6 },
  }),
  num_channels: exactly(3).default(3),
  image_size: size().default(224),
  patch_size: size().default(16),
  vision_use_head: exactly(true).default(true),
});

/** Describes SiglipModel, which has both towers; SiglipVisionModel has its tower's configuration alone. */
const pairSchema = z
  .object({ vision_config: visionSchema.nullish() })
  .transform((siglip) => siglip.vision_config ?? visionSchema.parse({}));
