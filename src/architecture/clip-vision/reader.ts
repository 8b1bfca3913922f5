import { z } from "zod";
import type { CheckpointFolder, CheckpointModule } from "../../checkpoint/folder.ts";
import type { Safetensors } from "../../checkpoint/safetensors.ts";
import { configuration, exactly, oneOf, only, size } from "../../checkpoint/transformers-config.ts";
import type { Architecture, ImageTower, Logit, PixelInputs } from "../tower.ts";
import { imageGraph } from "./graph.ts";

export const clipVision: Architecture<ImageTower> = { name: "clip-vision", modelType: "clip", read };

/** CLIP's vision transformer, as its configuration describes it. */
export interface VisionTransformer {
  imageSize: number;
  patchSize: number;
  width: number;
  layers: number;
  heads: number;
  mlpWidth: number;
  activation: "quick_gelu" | "gelu";
  epsilon: number;
  /** Length of the vector it gives. */
  dimensions: number;
  mean: [number, number, number];
  std: [number, number, number];
}

async function read(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]): Promise<ImageTower> {
  const kinds = modules.map(({ kind }) => kind).join(" -> ");
  if (kinds !== "CLIPModel" && kinds !== "Transformer") {
    throw checkpoint.refusal(`modules.json: the modules ${kinds} are not implemented; expected CLIPModel alone`);
  }
  const folder = modules[0]!.path;
  const { tower, inputs, weightFile } = await readVisionTransformer(checkpoint, folder);
  return {
    architecture: clipVision.name,
    dimensions: tower.dimensions,
    weightFiles: [weightFile],
    inputs,
    graph: ([tensors], arithmetic) => imageGraph({ tower, tensors: tensors!, arithmetic }),
    logit: ([tensors]) => readLogit(tensors!),
  };
}

/** The vision transformer of a CLIP model in one folder of a checkpoint. */
export async function readVisionTransformer(
  checkpoint: CheckpointFolder,
  folder: string,
): Promise<{ tower: VisionTransformer; inputs: PixelInputs; weightFile: string }> {
  const clip = await checkpoint.json(`${folder}config.json`, clipSchema);
  const vision = clip.vision_config_dict ?? clip.vision_config ?? visionSchema.parse({});
  const pixels = await readPreprocessor(checkpoint, folder);

  if (vision.hidden_size % vision.num_attention_heads !== 0) {
    throw checkpoint.refusal(
      `${folder}config.json: hidden_size ${vision.hidden_size} is no multiple of num_attention_heads ${vision.num_attention_heads}`,
    );
  }
  if (vision.patch_size > vision.image_size) {
    throw checkpoint.refusal(
      `${folder}config.json: patch_size ${vision.patch_size} is larger than image_size ${vision.image_size}`,
    );
  }
  if (pixels.crop_size !== vision.image_size) {
    throw checkpoint.refusal(
      `the preprocessor's crop_size ${pixels.crop_size} is not the tower's image_size ${vision.image_size}: interpolated positions are not implemented`,
    );
  }
  if (pixels.size < pixels.crop_size) {
    throw checkpoint.refusal(
      `the preprocessor's size ${pixels.size} is smaller than its crop_size ${pixels.crop_size}: padding is not implemented`,
    );
  }
  const [mean, std] = [pixels.image_mean, pixels.image_std];
  const tower: VisionTransformer = {
    imageSize: vision.image_size,
    patchSize: vision.patch_size,
    width: vision.hidden_size,
    layers: vision.num_hidden_layers,
    heads: vision.num_attention_heads,
    mlpWidth: vision.intermediate_size,
    activation: vision.hidden_act,
    epsilon: vision.layer_norm_eps,
    dimensions: clip.projection_dim,
    mean,
    std,
  };
  const inputs = {
    ...({ size: tower.imageSize, resize: pixels.size, fit: "cover", resample: "bicubic", mean, std } as const),
    background: pixels.background ?? null,
  };
  return { tower, inputs, weightFile: `${folder}model.safetensors` };
}

async function readLogit(tensors: Safetensors): Promise<Logit | null> {
  if (!tensors.names.has("logit_scale")) return null;
  const [scale] = await tensors.weight("logit_scale", []).read();
  return { kind: "softmax", scale: scale! };
}

/** The defaults are those of transformers' CLIPVisionConfig. */
const visionSchema = configuration({
  model_type: exactly("clip_vision_model").default("clip_vision_model"),
  hidden_size: size().default(768),
  intermediate_size: size().default(3072),
  num_hidden_layers: size().default(12),
  num_attention_heads: size().default(12),
  num_channels: exactly(3).default(3),
  image_size: size().default(224),
  patch_size: size().default(32),
  hidden_act: oneOf("quick_gelu", "gelu").default("quick_gelu"),
  layer_norm_eps: z.number().positive().max(1).default(1e-5),
});

/** A projection_dim inside vision_config does not count: CLIPModel takes this one. */
const clipSchema = configuration({
  model_type: exactly("clip"),
  projection_dim: size().default(512),
  vision_config: visionSchema.nullish(),
  vision_config_dict: visionSchema.nullish(), // written by transformers before 4.26; it wins over vision_config
});

/** sentence-transformers before 6 writes preprocessor_config.json; later ones put the same into processor_config.json. */
async function readPreprocessor(checkpoint: CheckpointFolder, folder: string) {
  const file = `${folder}preprocessor_config.json`;
  if (await checkpoint.has(file)) return checkpoint.json(file, preprocessorSchema);
  const newer = `${folder}processor_config.json`;
  if (await checkpoint.has(newer)) {
    return (await checkpoint.json(newer, z.object({ image_processor: preprocessorSchema }))).image_processor;
  }
  throw checkpoint.refusal(`${file} is missing`);
}

const rgb = z.tuple([z.number(), z.number(), z.number()]);

const resizeSchema = only(
  z.union([size(), z.strictObject({ shortest_edge: size() }).transform(({ shortest_edge }) => shortest_edge)]),
  "a number, or shortest_edge alone, is",
);

const cropSchema = only(
  z.union([
    size(),
    z
      .strictObject({ height: size(), width: size() })
      .refine(({ height, width }) => height === width)
      .transform(({ height }) => height),
  ]),
  "a square is",
);

/** The defaults are those of transformers' CLIPImageProcessor. */
const preprocessorSchema = z.strictObject({
  do_resize: exactly(true).default(true),
  size: resizeSchema.default(224),
  resample: only(z.literal(3), "only 3, bicubic, is").default(3),
  do_center_crop: exactly(true).default(true),
  crop_size: cropSchema.default(224),
  do_rescale: exactly(true).default(true),
  rescale_factor: z
    .number()
    .refine((factor) => Math.abs(factor * 255 - 1) < 1e-6, "is not implemented (only 1/255 is)")
    .default(1 / 255),
  do_normalize: exactly(true).default(true),
  image_mean: rgb.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: rgb
    .refine((std) => std.every((value) => value > 0), "expected positive numbers")
    .default([0.26862954, 0.26130258, 0.27577711]),
  do_convert_rgb: z.unknown().optional(), // pictures are always converted
  do_pad: z.union([exactly(false), z.null()]).optional(),
  feature_extractor_type: clipClass().optional(),
  image_processor_type: clipClass().optional(),
  processor_class: z.unknown().optional(),
  data_format: z.unknown().optional(), // of the array that is handed to PyTorch
  default_to_square: exactly(false).optional(),
  /** Our own key: RGB put behind transparent pictures. */
  background: z.tuple([channel(), channel(), channel()]).optional(),
});

function clipClass() {
  return z.string().regex(/^CLIP/, { error: ({ input }) => `${JSON.stringify(input)} is not implemented (CLIP's is)` });
}

function channel() {
  return z.number().int().min(0).max(255);
}
