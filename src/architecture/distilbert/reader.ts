import { z } from "zod";
import type { CheckpointFolder, CheckpointModule } from "../../checkpoint/folder.ts";
import { readTokenizer } from "../../checkpoint/tokenizer.ts";
import { configuration, exactly, oneOf, only, size } from "../../checkpoint/transformers-config.ts";
import type { Architecture, TextTower } from "../tower.ts";
import { textGraph } from "./graph.ts";

export const distilbert: Architecture<TextTower> = { name: "distilbert", modelTypes: ["distilbert"], read };

/** BERT's token for padding, where no file names another. */
export const padToken = "[PAD]";

/** DistilBERT, mean pooling and dense layers, as their configurations describe them. */
export interface Distilbert {
  vocabulary: number;
  positions: number;
  width: number;
  layers: number;
  heads: number;
  mlpWidth: number;
  /** What the pooled vector goes through, at least one. */
  denses: Dense[];
  dimensions: number;
}

export type Dense = z.output<typeof denseSchema>;

async function read(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]): Promise<TextTower> {
  const { tower, weightFiles } = await readDistilbert(checkpoint, modules);
  return {
    architecture: distilbert.name,
    dimensions: tower.dimensions,
    weightFiles,
    ...(await readTokenizer(checkpoint, { ...tower, folder: modules[0]!.path, padToken })), // it has found modules
    graph: ([tensors, ...denses], arithmetic) => textGraph(tower, { tensors: tensors!, denses, arithmetic }),
  };
}

/** Reads the configurations of Transformer -> Pooling -> Dense, with any number of dense layers. */
export async function readDistilbert(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]) {
  const kinds = modules.map(({ kind }) => kind).join(" -> ");
  if (!/^Transformer -> Pooling( -> Dense)+$/.test(kinds)) {
    const problem = `modules.json: the modules ${kinds} are not implemented; expected Transformer -> Pooling -> Dense, or more of Dense`;
    throw checkpoint.refusal(problem);
  }
  const [transformer, pooling, ...dense] = modules.map(({ path }) => path) as [string, string, ...string[]]; // as just checked
  const bert = await checkpoint.json(`${transformer}config.json`, distilbertSchema);
  const denses = await readDenses(checkpoint, dense, bert.dim);
  const { width: poolingWidth } = await checkpoint.json(`${pooling}config.json`, poolingSchema);

  if (bert.dim % bert.n_heads !== 0)
    throw checkpoint.refusal(`${transformer}config.json: dim ${bert.dim} is no multiple of n_heads ${bert.n_heads}`);
  if (poolingWidth !== bert.dim) {
    const problem = `${pooling}config.json: the pooled width ${poolingWidth} is not ${transformer}config.json's dim ${bert.dim}`;
    throw checkpoint.refusal(problem);
  }
  const tower: Distilbert = {
    vocabulary: bert.vocab_size,
    positions: bert.max_position_embeddings,
    width: bert.dim,
    layers: bert.n_layers,
    heads: bert.n_heads,
    mlpWidth: bert.hidden_dim,
    denses,
    dimensions: denses.at(-1)!.outputs, // there is at least one
  };
  return { tower, weightFiles: [transformer, ...dense].map((path) => `${path}model.safetensors`) };
}

/** Reads the dense layers: each takes what the one before it gives, and the first the transformer's width. */
async function readDenses(checkpoint: CheckpointFolder, folders: string[], width: number): Promise<Dense[]> {
  const denses: Dense[] = [];
  for (const folder of folders) {
    const dense = await checkpoint.json(`${folder}config.json`, denseSchema);
    const before = denses.at(-1);
    const expected = before ? `the ${before.outputs} of the layer before` : `config.json's dim ${width}`;
    if (dense.inputs !== (before?.outputs ?? width)) {
      throw checkpoint.refusal(`${folder}config.json: in_features ${dense.inputs} is not ${expected}`);
    }
    denses.push(dense);
  }
  return denses;
}

/** The defaults are those of transformers' DistilBertConfig. */
const distilbertSchema = configuration({
  model_type: exactly("distilbert"),
  vocab_size: size().default(30522),
  max_position_embeddings: size().default(512),
  dim: size().default(768),
  hidden_dim: size().default(3072),
  n_layers: size().default(6),
  n_heads: size().default(12),
  activation: exactly("gelu").default("gelu"), // with the exact error function
});

const modes = ["cls_token", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"] as const;
const legacyModes = Object.fromEntries(modes.map((mode) => [`pooling_mode_${mode}`, exactly(false).optional()]));

/** Before version 5.4 sentence-transformers wrote a flag per mode; since then it writes one `pooling_mode`. */
const poolingSchema = z
  .strictObject({
    ...legacyModes,
    pooling_mode_mean_tokens: exactly(true).optional(),
    pooling_mode: only(z.union([z.literal("mean"), z.tuple([z.literal("mean")])]), 'only "mean" is').optional(),
    word_embedding_dimension: size().optional(),
    embedding_dimension: size().optional(),
    include_prompt: z.unknown().optional(), // there is no prompt
  })
  .transform((pooling) => ({ width: pooling.embedding_dimension ?? pooling.word_embedding_dimension }));

const activations = {
  "torch.nn.modules.linear.Identity": "identity",
  "torch.nn.modules.activation.GELU": "gelu", // with the exact error function
} as const;

const denseSchema = z
  .strictObject({
    in_features: size(),
    out_features: size(),
    bias: z.boolean(),
    activation_function: oneOf("torch.nn.modules.linear.Identity", "torch.nn.modules.activation.GELU"),
    module_input_name: exactly("sentence_embedding").optional(),
    module_output_name: exactly("sentence_embedding").nullish(),
    use_residual: exactly(false).optional(),
  })
  .transform((dense) => ({
    inputs: dense.in_features,
    outputs: dense.out_features,
    bias: dense.bias,
    activation: activations[dense.activation_function],
  }));
