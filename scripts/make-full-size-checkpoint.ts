import { existsSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  clipTower,
  layerNorm,
  linear,
  normal,
  scalar,
  type TensorPlan,
  writeJson,
  writeSafetensors,
} from "./full-size-tensors.ts";

/**
 * Writes one checkpoint of a published size that holds both towers, as transformers saves it, with random weights that
 * are always the same and are shaped as those of make-full-size-pair.ts. The vocabulary is a test fixture's; the word
 * table has all its rows.
 *
 *   npx tsx scripts/make-full-size-checkpoint.ts --size clip-vit-b-16 --out DIR
 */
export const sizes = {
  "clip-vit-b-16": () => clip({ image: tower(768, 12), text: tower(512, 12), patch: 16, projection: 512 }),
  "clip-vit-l-14": () => clip({ image: tower(1024, 24), text: tower(768, 12), patch: 14, projection: 768 }),
  "siglip2-base-patch16-224": siglip2Base,
} satisfies Record<string, () => Checkpoint>;

export type Size = keyof typeof sizes;

interface Checkpoint {
  /** The tokenizer's files come from this folder of test/fixtures/checkpoints. */
  tokenizerOf: string;
  config: object;
  preprocessor: object;
  tensors: TensorPlan[];
}

interface Tower {
  width: number;
  hidden: number;
  layers: number;
}

const tower = (width: number, layers: number): Tower => ({ width, hidden: 4 * width, layers });
const side = 224;

/** Makes the checkpoint, unless it is there already. */
export async function makeFullSizeCheckpoint(out: string, size: Size): Promise<string> {
  const weights = join(out, "model.safetensors");
  if (existsSync(weights)) return out;
  const { tokenizerOf, config, preprocessor, tensors } = sizes[size]();
  const fixture = fileURLToPath(new URL(`../test/fixtures/checkpoints/${tokenizerOf}`, import.meta.url));
  await writeJson(join(out, "config.json"), config);
  await writeJson(join(out, "preprocessor_config.json"), preprocessor);
  for (const file of ["tokenizer.json", "tokenizer_config.json"]) await cp(join(fixture, file), join(out, file));
  await writeSafetensors(weights, tensors);
  return out;
}

function configOf({ width, hidden, layers }: Tower) {
  return {
    hidden_size: width,
    intermediate_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: width / 64,
  };
}

interface ClipSize {
  image: Tower;
  text: Tower;
  patch: number;
  projection: number;
}

function clip({ image, text, patch, projection }: ClipSize): Checkpoint {
  const vocabulary = 49_408;
  return {
    tokenizerOf: "clip-open",
    config: {
      model_type: "clip",
      projection_dim: projection,
      vision_config: { ...configOf(image), image_size: side, patch_size: patch },
      text_config: { ...configOf(text), vocab_size: vocabulary, eos_token_id: 2 },
    },
    preprocessor: { image_processor_type: "CLIPImageProcessor", size: { shortest_edge: side }, crop_size: side },
    tensors: [
      scalar("logit_scale", 4.6052),
      ...clipTower("vision_model", image),
      normal("vision_model.embeddings.class_embedding", [image.width], 0.3),
      ...patches(image.width, patch, 1),
      ...layerNorm("vision_model.pre_layrnorm", image.width),
      ...layerNorm("vision_model.post_layernorm", image.width, { gammaOfOutliers: 0.05 }),
      normal("visual_projection.weight", [projection, image.width], 0.03),
      ...clipTower("text_model", text),
      normal("text_model.embeddings.token_embedding.weight", [vocabulary, text.width], 0.02),
      normal("text_model.embeddings.position_embedding.weight", [77, text.width], 0.01),
      ...layerNorm("text_model.final_layer_norm", text.width),
      normal("text_projection.weight", [projection, text.width], 0.03),
    ],
  };
}

function siglip2Base(): Checkpoint {
  const size = tower(768, 12);
  const { width, hidden } = size;
  const [patch, positions, vocabulary] = [16, 64, 256_000];
  const head = "vision_model.head";
  return {
    tokenizerOf: "siglip2",
    config: {
      model_type: "siglip",
      vision_config: { ...configOf(size), image_size: side, patch_size: patch },
      text_config: { ...configOf(size), vocab_size: vocabulary, max_position_embeddings: positions },
    },
    preprocessor: { image_processor_type: "SiglipImageProcessor", size: { height: side, width: side }, resample: 2 },
    tensors: [
      { ...scalar("logit_scale", 4.7), shape: [1] },
      { ...scalar("logit_bias", -16), shape: [1] },
      ...clipTower("vision_model", size),
      ...patches(width, patch, 0),
      normal("vision_model.embeddings.patch_embedding.bias", [width], 0.1),
      ...layerNorm("vision_model.post_layernorm", width, { gammaOfOutliers: 0.05 }),
      normal(`${head}.probe`, [1, 1, width], 0.3),
      normal(`${head}.attention.in_proj_weight`, [3 * width, width], 0.04),
      normal(`${head}.attention.in_proj_bias`, [3 * width], 0.1),
      ...linear(`${head}.attention.out_proj`, [width, width], 0.03),
      ...layerNorm(`${head}.layernorm`, width),
      ...linear(`${head}.mlp.fc1`, [hidden, width], 0.04),
      ...linear(`${head}.mlp.fc2`, [width, hidden], 0.02),
      ...clipTower("text_model", size),
      normal("text_model.embeddings.token_embedding.weight", [vocabulary, width], 0.02),
      normal("text_model.embeddings.position_embedding.weight", [positions, width], 0.01),
      ...layerNorm("text_model.final_layer_norm", width),
      ...linear("text_model.head", [width, width], 0.03),
    ],
  };
}

/** The patch convolution, and positions of the patches and of so many tokens before them. */
function patches(width: number, patch: number, tokens: number): TensorPlan[] {
  const positions = (side / patch) ** 2 + tokens;
  return [
    normal("vision_model.embeddings.patch_embedding.weight", [width, 3, patch, patch], 0.45 / patch),
    normal("vision_model.embeddings.position_embedding.weight", [positions, width], 0.1),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: "string" }, size: { type: "string" } } });
  const size = Object.keys(sizes).find((name) => name === values.size) as Size | undefined; // a key of `sizes`
  if (values.out === undefined || size === undefined) {
    throw new Error(`--out DIR and --size are required; sizes: ${Object.keys(sizes).join(", ")}`);
  }
  await makeFullSizeCheckpoint(values.out, size);
}
