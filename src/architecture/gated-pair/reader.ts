import { z } from "zod";
import type { CheckpointFolder, CheckpointModule } from "../../checkpoint/folder.ts";
import { configuration, exactly, size } from "../../checkpoint/transformers-config.ts";
import type { VisionTransformer } from "../clip-vision/graph.ts";
import { readVisionTransformer } from "../clip-vision/reader.ts";
import { type EfficientNetLite, readEfficientNetLite } from "../efficientnet-lite/reader.ts";
import { gridOf } from "../patches.ts";
import type { Architecture, ImageTower } from "../tower.ts";
import { imageGraph } from "./graph.ts";

export const gatedPair: Architecture<ImageTower> = { name: "gated-pair", modelTypes: ["gated-pair"], read };

/** Describes a vision transformer for drawings and a convolutional classifier for photographs under one gate. */
export interface GatedPair {
  /** A picture has this side. The transformer sees all of it, made smaller; the classifier sees its middle alone. */
  imageSize: number;
  drawings: VisionTransformer;
  photographs: EfficientNetLite;
  /** Dimensions of the vector that photographs fill; drawings fill the rest. */
  photographDimensions: number;
  /** The classifier's logits are divided by this. */
  temperature: number;
  /** Either part counts at least this much, from 0 to 1. */
  floor: number;
  dimensions: number;
}

async function read(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]): Promise<ImageTower> {
  const kinds = modules.map(({ kind }) => kind).join(" -> ");
  if (kinds !== "GatedPair -> CLIPModel -> EfficientNetLite") {
    throw checkpoint.refusal(
      `modules.json: the modules ${kinds} are not implemented; expected GatedPair -> CLIPModel -> EfficientNetLite`,
    );
  }
  const [gate, clip, lite] = modules.map(({ path }) => path) as [string, string, string]; // as just checked
  const config = await checkpoint.json(`${gate}config.json`, schema);
  const drawings = await readVisionTransformer(checkpoint, clip);
  const photographs = await readEfficientNetLite(checkpoint, lite);
  const imageSize = config.image_size;
  const sides = [[clip, drawings.tower.patches.imageSize] as const, [lite, photographs.imageSize] as const];
  for (const [part, side] of sides) {
    if (side > imageSize) {
      const message = `${part}config.json: image_size ${side} is larger than ${gate}config.json's ${imageSize}`;
      throw checkpoint.refusal(`${message}: enlarging is not implemented`);
    }
  }
  const tower: GatedPair = {
    imageSize,
    drawings: drawings.tower,
    photographs,
    photographDimensions: config.photograph_dim,
    temperature: config.temperature,
    floor: config.gate_floor,
    dimensions: config.photograph_dim + drawings.tower.dimensions,
  };
  const { mean, std } = photographs;
  const ofChannels = (value: number): [number, number, number] => [value / 255, value / 255, value / 255];
  return {
    architecture: gatedPair.name,
    dimensions: tower.dimensions,
    weightFiles: [`${gate}model.safetensors`, drawings.weightFile, `${lite}model.safetensors`],
    inputs: {
      ...{ size: imageSize, resize: imageSize, fit: "squash", resample: "bicubic" },
      ...{ mean: ofChannels(mean), std: ofChannels(std) }, // the drawings' own are in their folder
      background: drawings.inputs.background,
    },
    tokens: 1 + gridOf(drawings.tower.patches) ** 2,
    graph: ([gate, drawings, photographs], arithmetic) =>
      imageGraph({
        tower,
        tensors: { gate: gate!, drawings: drawings!, photographs: photographs! },
        arithmetic,
      }),
    logit: async () => null,
  };
}

const schema = configuration({
  model_type: exactly("gated-pair"),
  image_size: size(),
  photograph_dim: z.number().int().positive().max(1_000_000),
  temperature: z.number().positive(),
  gate_floor: z.number().min(0).max(1),
});
