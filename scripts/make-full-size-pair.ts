import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  clipTower,
  feedForward,
  layerNorm,
  linear,
  normal,
  scalar,
  type TensorPlan,
  writeJson,
  writeSafetensors,
} from "./full-size-tensors.ts";

/**
 * Writes a checkpoint pair of the production size (ViT-B/32 in a CLIP file; multilingual DistilBERT and dense layer) in
 * the sentence-transformers layout: 1.1 GB for benchmarks on machines that have no real checkpoint. Its weights are
 * random and always the same.
 *
 * Speed does not depend on the weights, but quantisation error does, so these are shaped as trained ones are. Rows have
 * unequal norms. After the early layers a few channels are 20 to 50 times the median, and more in a few tokens. Some
 * hidden units fire rarely and strongly. The vocabulary is the embedded model's, filled up with made-up pieces.
 *
 *   npx tsx scripts/make-full-size-pair.ts --out DIR [--tokenizer FILE]
 *
 * Nothing is made where the pair is already.
 */
export async function makeFullSizePair(out: string, tokenizer = embeddedTokenizer) {
  const image = join(out, "image");
  const text = join(out, "text");
  const lastFile = join(text, "2_Dense/model.safetensors");
  if (existsSync(lastFile)) return { imageDir: image, textDir: text };
  await writeJson(join(image, "modules.json"), [
    { idx: 0, name: "0", path: "0_CLIPModel", type: "sentence_transformers.models.CLIPModel" },
  ]);
  await writeJson(join(image, "0_CLIPModel/config.json"), clipConfig);
  await writeJson(join(image, "0_CLIPModel/preprocessor_config.json"), preprocessorConfig);
  await writeSafetensors(join(image, "0_CLIPModel/model.safetensors"), [
    scalar("logit_scale", 4.6052),
    ...clipTower("vision_model", { width: 768, hidden: 3072, layers: 12 }),
    normal("vision_model.embeddings.class_embedding", [768], 0.3),
    normal("vision_model.embeddings.patch_embedding.weight", [768, 3, 32, 32], 0.014),
    normal("vision_model.embeddings.position_embedding.weight", [50, 768], 0.1),
    ...layerNorm("vision_model.pre_layrnorm", 768),
    ...layerNorm("vision_model.post_layernorm", 768, { gammaOfOutliers: 0.05 }),
    normal("visual_projection.weight", [512, 768], 0.03),
    // The real file has an English text tower. It is never read, but its bytes are there to be skipped.
    ...clipTower("text_model", { width: 512, hidden: 2048, layers: 12 }),
    normal("text_model.embeddings.token_embedding.weight", [49408, 512], 0.02),
    normal("text_model.embeddings.position_embedding.weight", [77, 512], 0.01),
    ...layerNorm("text_model.final_layer_norm", 512),
    normal("text_projection.weight", [512, 512], 0.03),
  ]);

  await writeJson(join(text, "modules.json"), [
    { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
    { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
    { idx: 2, name: "2", path: "2_Dense", type: "sentence_transformers.models.Dense" },
  ]);
  await writeJson(join(text, "config.json"), distilbertConfig);
  await writeJson(join(text, "sentence_bert_config.json"), { max_seq_length: 128, do_lower_case: false });
  await writeJson(join(text, "tokenizer_config.json"), {
    tokenizer_class: "DistilBertTokenizer",
    do_lower_case: false,
  });
  await writeJson(join(text, "1_Pooling/config.json"), {
    word_embedding_dimension: 768,
    pooling_mode_mean_tokens: true,
  });
  await writeJson(join(text, "2_Dense/config.json"), {
    in_features: 768,
    out_features: 512,
    bias: false,
    activation_function: "torch.nn.modules.linear.Identity",
  });
  await writeJson(join(text, "tokenizer.json"), grownTokenizer(JSON.parse(await readFile(tokenizer, "utf8"))));
  await writeSafetensors(join(text, "model.safetensors"), distilbert({ width: 768, hidden: 3072, layers: 6 }));
  await writeSafetensors(lastFile, [normal("linear.weight", [512, 768], 0.03)]);
  return { imageDir: image, textDir: text };
}

const embeddedTokenizer = fileURLToPath(new URL("../models/everyday-mini/text/tokenizer.json", import.meta.url));

const vocabularySize = 119_547;

const clipConfig = {
  architectures: ["CLIPModel"],
  model_type: "clip",
  projection_dim: 512,
  logit_scale_init_value: 2.6592,
  text_config: {
    model_type: "clip_text_model",
    vocab_size: 49408,
    hidden_size: 512,
    intermediate_size: 2048,
    num_hidden_layers: 12,
    num_attention_heads: 8,
    max_position_embeddings: 77,
    hidden_act: "quick_gelu",
    layer_norm_eps: 1e-5,
    projection_dim: 512,
  },
  vision_config: {
    model_type: "clip_vision_model",
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 224,
    patch_size: 32,
    num_channels: 3,
    hidden_act: "quick_gelu",
    layer_norm_eps: 1e-5,
    projection_dim: 512,
  },
};

const preprocessorConfig = {
  do_resize: true,
  size: 224,
  do_center_crop: true,
  crop_size: 224,
  resample: 3,
  do_normalize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  feature_extractor_type: "CLIPFeatureExtractor",
};

const distilbertConfig = {
  architectures: ["DistilBertModel"],
  model_type: "distilbert",
  vocab_size: vocabularySize,
  dim: 768,
  hidden_dim: 3072,
  n_layers: 6,
  n_heads: 12,
  max_position_embeddings: 512,
  activation: "gelu",
  sinusoidal_pos_embds: false,
  pad_token_id: 0,
};

/** Plans a post-LN transformer as DistilBERT names it. Its outlier channels come out of the layer norms. */
function distilbert({ width, hidden, layers }: { width: number; hidden: number; layers: number }): TensorPlan[] {
  return [
    normal("embeddings.word_embeddings.weight", [vocabularySize, width], 0.05),
    normal("embeddings.position_embeddings.weight", [512, width], 0.02),
    ...layerNorm("embeddings.LayerNorm", width),
    ...Array.from({ length: layers }, (_, index) => {
      const layer = `transformer.layer.${index}`;
      return [
        ...["q_lin", "k_lin"].flatMap((name) => linear(`${layer}.attention.${name}`, [width, width], 0.05)),
        ...linear(`${layer}.attention.v_lin`, [width, width], 0.03),
        ...linear(`${layer}.attention.out_lin`, [width, width], 0.03),
        ...layerNorm(`${layer}.sa_layer_norm`, width, { betaOfOutliers: index > 0 ? 0.2 : 0 }),
        ...feedForward(layer, {
          names: ["ffn.lin1", "ffn.lin2"],
          width,
          hidden,
          channels: false,
          tokens: index === 1 || index === 3,
        }),
        ...layerNorm(`${layer}.output_layer_norm`, width, {
          betaOfOutliers: index > 0 && index < layers - 1 ? 0.2 : 0,
        }),
      ];
    }).flat(),
  ];
}

interface TokenizerFile {
  model: { vocab: Record<string, number> };
}

/** Adds made-up pieces to the tokenizer until its vocabulary has the production size. */
function grownTokenizer<T extends TokenizerFile>(tokenizer: T): T {
  const vocabulary = { ...tokenizer.model.vocab };
  const syllables = "ba be bi bo bu da de di do du ga ge gi go gu ka ke ki ko ku la le li lo lu ma me mi mo mu".split(
    " ",
  );
  let next = Object.keys(vocabulary).length;
  for (let number = 0; next < vocabularySize; number++) {
    const word = [0, 1, 2, 3]
      .map((digit) => syllables[Math.floor(number / syllables.length ** digit) % syllables.length])
      .join("");
    for (const piece of [`${word}x`, `##${word}x`])
      if (!(piece in vocabulary) && next < vocabularySize) vocabulary[piece] = next++;
  }
  return { ...tokenizer, model: { ...tokenizer.model, vocab: vocabulary } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: "string" }, tokenizer: { type: "string" } } });
  if (values.out === undefined) throw new Error("--out DIR is required");
  await makeFullSizePair(values.out, values.tokenizer);
}
