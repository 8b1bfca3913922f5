import { z } from "zod";
import { type CheckpointFolder, type CheckpointModule, onlyModule } from "../../checkpoint/folder.ts";
import { prefixed } from "../../checkpoint/safetensors.ts";
import { readTokenizer } from "../../checkpoint/tokenizer.ts";
import { configuration, exactly, size } from "../../checkpoint/transformers-config.ts";
import { encoderKeys, encoderOf, towerConfig } from "../encoder-config.ts";
import type { Architecture, TextTower } from "../tower.ts";
import { type TextTransformer, textGraph } from "./graph.ts";
import { canonicalTokenizer } from "./tokenizer.ts";

export const siglipText: Architecture<TextTower> = {
  name: "siglip-text",
  modelTypes: ["siglip", "siglip_text_model"],
  read,
};

async function read(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]): Promise<TextTower> {
  const folder = onlyModule(checkpoint, modules, ["Transformer"]);
  const file = `${folder}config.json`;
  const text = await towerConfig(checkpoint, file, { pairType: "siglip", pair: pairSchema, alone: textSchema });
  const tower: TextTransformer = {
    vocabulary: text.vocab_size,
    positions: text.max_position_embeddings,
    encoder: encoderOf(checkpoint, { folder, prefix: "text_model", config: text }),
    dimensions: text.projection_size ?? text.hidden_size,
  };
  const asked = { ...tower, folder, padToken: "<pad>", paddingSides: ["right", "left"] } as const;
  const { tokenizer, inputs } = await readTokenizer(checkpoint, asked);
  return {
    architecture: siglipText.name,
    dimensions: tower.dimensions,
    weightFiles: [`${folder}model.safetensors`],
    inputs: { ...inputs, padding: tower.positions }, // every text has as many tokens
    tokenizer: canonicalTokenizer(tokenizer),
    graph: ([tensors], arithmetic) => textGraph(tower, { tensors: prefixed(tensors!, "text_model."), arithmetic }),
  };
}

/** The defaults are those of transformers' SiglipTextConfig. */
const textSchema = configuration({
  model_type: exactly("siglip_text_model").default("siglip_text_model"),
  ...encoderKeys({
    ...{ width: 768, mlpWidth: 3072, layers: 12, heads: 12 },
    ...{ activation: "gelu_pytorch_tanh", epsilon: 1e-6 },
  }),
  vocab_size: size().default(32000),
  max_position_embeddings: size().default(64),
  projection_size: size().nullish(),
});

/** Describes SiglipModel, which has both towers; SiglipTextModel has its tower's configuration alone. */
const pairSchema = z
  .object({ text_config: textSchema.nullish() })
  .transform((siglip) => siglip.text_config ?? textSchema.parse({}));
