import { z } from "zod";
import { type CheckpointFolder, type CheckpointModule, onlyModule } from "../../checkpoint/folder.ts";
import { readTokenizer } from "../../checkpoint/tokenizer.ts";
import { configuration, exactly, size } from "../../checkpoint/transformers-config.ts";
import { encoderKeys, encoderOf, projectionKeys, towerConfig } from "../encoder-config.ts";
import type { Architecture, TextTower } from "../tower.ts";
import { type TextTransformer, textGraph } from "./graph.ts";
import { tokenizerOf } from "./tokenizer.ts";

export const clipText: Architecture<TextTower> = { name: "clip-text", modelTypes: ["clip", "clip_text_model"], read };

async function read(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]): Promise<TextTower> {
  const folder = onlyModule(checkpoint, modules, ["CLIPModel", "Transformer"]);
  const file = `${folder}config.json`;
  const schemas = { pairType: "clip", pair: pairSchema, alone: aloneSchema };
  const { text, dimensions } = await towerConfig<Configuration>(checkpoint, file, schemas);
  const tower: TextTransformer = {
    vocabulary: text.vocab_size,
    positions: text.max_position_embeddings,
    encoder: encoderOf(checkpoint, { folder, prefix: "text_model", config: text }),
    endOfText: text.eos_token_id === unknownEndOfText ? "largest" : text.eos_token_id,
    dimensions,
  };
  const padToken = "<|endoftext|>";
  const fallback = () => tokenizerOf(checkpoint, folder);
  return {
    architecture: clipText.name,
    dimensions: tower.dimensions,
    weightFiles: [`${folder}model.safetensors`],
    ...(await readTokenizer(checkpoint, { ...tower, folder, padToken, fallback })),
    graph: ([tensors], arithmetic) => textGraph(tower, { tensors: tensors!, arithmetic }),
  };
}

/** Configurations of early versions say 2, which is not the end of a text; transformers then looks for the largest id. */
const unknownEndOfText = 2;

/** The defaults are those of transformers' CLIPTextConfig. */
const textKeys = {
  model_type: exactly("clip_text_model").default("clip_text_model"),
  vocab_size: size().default(49408),
  ...encoderKeys({
    ...{ width: 512, mlpWidth: 2048, layers: 12, heads: 8 },
    ...{ activation: "quick_gelu", epsilon: 1e-5 },
  }),
  max_position_embeddings: size().default(77),
  eos_token_id: z.number().int().nonnegative().default(49407),
};
const textSchema = configuration(textKeys);

/** A projection_dim inside text_config does not count: CLIPModel takes this one. */
const pairSchema = configuration({
  model_type: exactly("clip"),
  projection_dim: size().default(512),
  text_config: textSchema.nullish(),
  text_config_dict: textSchema.nullish(), // written by transformers before 4.26; it wins over text_config
}).transform((clip) => ({
  text: clip.text_config_dict ?? clip.text_config ?? textSchema.parse({}),
  dimensions: clip.projection_dim,
}));

/** CLIPTextModelWithProjection has the tower's configuration alone. */
const aloneSchema = configuration({
  ...textKeys,
  ...projectionKeys("CLIPTextModelWithProjection"),
}).transform((text) => ({ text, dimensions: text.projection_dim }));

interface Configuration {
  text: z.output<typeof textSchema>;
  dimensions: number;
}
