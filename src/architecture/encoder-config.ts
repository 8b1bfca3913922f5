import { z } from "zod";
import type { CheckpointFolder } from "../checkpoint/folder.ts";
import { oneOf, size } from "../checkpoint/transformers-config.ts";
import { activations, type PreNormEncoder } from "./pre-norm-encoder.ts";

/** Gives the keys of a configuration that describe an encoder, with the defaults of transformers' class. */
export function encoderKeys(defaults: Omit<PreNormEncoder, "prefix">) {
  return {
    hidden_size: size().default(defaults.width),
    intermediate_size: size().default(defaults.mlpWidth),
    num_hidden_layers: size().default(defaults.layers),
    num_attention_heads: size().default(defaults.heads),
    hidden_act: oneOf(...activations).default(defaults.activation),
    layer_norm_eps: z.number().positive().max(1).default(defaults.epsilon),
  };
}

/** Gives the keys of a CLIP tower's own configuration, where `projecting` is the class that has the projection. */
export function projectionKeys(projecting: string) {
  return {
    projection_dim: size().default(512),
    architectures: z
      .array(z.string())
      .refine((classes) => classes.includes(projecting), {
        error: ({ input }) =>
          `${JSON.stringify(input)} has no projection into the space that pictures and texts share (${projecting} has)`,
      })
      .optional(),
  };
}

/** Reads a tower's configuration, which stands alone or inside that of its pair, whose model_type is `pairType`. */
export async function towerConfig<T>(
  checkpoint: CheckpointFolder,
  file: string,
  { pairType, pair, alone }: { pairType: string; pair: z.ZodType<T>; alone: z.ZodType<T> },
): Promise<T> {
  const { model_type } = await checkpoint.json(file, z.object({ model_type: z.string() }));
  return checkpoint.json(file, model_type === pairType ? pair : alone);
}

interface EncoderConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  hidden_act: PreNormEncoder["activation"];
  layer_norm_eps: number;
}

/** @param folder of the configuration, for messages. */
export function encoderOf(
  checkpoint: CheckpointFolder,
  { folder, prefix, config }: { folder: string; prefix: string; config: EncoderConfig },
): PreNormEncoder {
  const { hidden_size: width, num_attention_heads: heads } = config;
  if (width % heads !== 0) {
    const problem = `${folder}config.json: hidden_size ${width} is no multiple of num_attention_heads ${heads}`;
    throw checkpoint.refusal(problem);
  }
  return {
    ...{ prefix, width, heads },
    layers: config.num_hidden_layers,
    mlpWidth: config.intermediate_size,
    activation: config.hidden_act,
    epsilon: config.layer_norm_eps,
  };
}
