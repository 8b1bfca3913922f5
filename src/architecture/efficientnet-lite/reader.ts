import { z } from "zod";
import type { CheckpointFolder } from "../../checkpoint/folder.ts";
import { configuration, exactly, size } from "../../checkpoint/transformers-config.ts";

/**
 * Describes an EfficientNet-Lite with the batch normalisation folded into its convolutions, as its configuration does.
 */
export interface EfficientNetLite {
  imageSize: number;
  /** The first convolution is fed (byte - mean) / std, the same for every channel. */
  mean: number;
  std: number;
  stemWidth: number;
  stages: Stage[];
  /** The features are this long. */
  headWidth: number;
  classes: number;
}

export interface Stage {
  blocks: number;
  kernel: number;
  /** The first block has this stride; the others have 1. */
  stride: number;
  /** The depthwise convolution is this many times wider than its block's input. */
  expansion: number;
  width: number;
}

/** @throws EncoderError CHECKPOINT_INVALID naming the key of whatever is not implemented. */
export async function readEfficientNetLite(checkpoint: CheckpointFolder, folder: string): Promise<EfficientNetLite> {
  const config = await checkpoint.json(`${folder}config.json`, schema);
  return {
    imageSize: config.image_size,
    mean: config.image_mean,
    std: config.image_std,
    stemWidth: config.stem_width,
    stages: config.stages,
    headWidth: config.head_width,
    classes: config.num_classes,
  };
}

const stage = z
  .strictObject({ blocks: size(), kernel_size: size(), stride: size(), expand_ratio: size(), width: size() })
  .transform(({ kernel_size, expand_ratio, ...stage }) => ({ ...stage, kernel: kernel_size, expansion: expand_ratio }));

const schema = configuration({
  model_type: exactly("efficientnet-lite"),
  hidden_act: exactly("relu6"),
  image_size: size(),
  image_mean: z.number(), // of bytes
  image_std: z.number().positive(),
  stem_width: size(),
  stages: z.array(stage).nonempty(),
  head_width: size(),
  num_classes: size(),
});
