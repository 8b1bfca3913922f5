import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import { copyPair, editJson } from "../support/checkpoints.ts";

type Pair = Awaited<ReturnType<typeof copyPair>>;

async function build(pair: Pair) {
  return buildModel({ ...pair, name: "second", precision: "fp32" });
}

async function refusal(damage: (pair: Pair) => Promise<void>): Promise<string> {
  const pair = await copyPair();
  await damage(pair);
  const error = await build(pair).then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ code: "CHECKPOINT_INVALID" });
  expect(error.message).not.toContain(pair.outDir.slice(0, -6)); // paths stay internal
  return error.message;
}

/** Names checkpoint, file, key, its new value, and what the message must name. Undefined removes the key. */
type Deviation = [tower: "image" | "text", file: string, key: string, value: unknown, names: RegExp];

const deviations: Deviation[] = [
  ["image", "config.json", "model_type", "siglip2", /model_type: "siglip2" is not implemented .*NaFlex/],
  ["image", "config.json", "quantization_config", { bits: 4 }, /quantization_config: \{"bits":4\} is not implemented/],
  ["image", "config.json", "vision_config.model_type", "siglip_vision_model", /vision_config\.model_type/],
  ["image", "config.json", "vision_config.hidden_act", "gelu_new", /hidden_act: "gelu_new" is not implemented/],
  ["image", "config.json", "vision_config.hidden_act", "relu", /hidden_act: "relu" is not implemented/],
  ["image", "config.json", "vision_config.num_channels", 1, /num_channels: 1 is not implemented/],
  ["image", "config.json", "vision_config.qkv_bias", true, /vision_config\.qkv_bias: true is not implemented/],
  ["image", "config.json", "vision_config.use_layer_scale", true, /use_layer_scale: true is not implemented/],
  ["image", "config.json", "vision_config.rope_theta", 10000, /rope_theta: 10000 is not implemented/],
  ["image", "config.json", "vision_config.position_embedding_type", "relative_key", /position_embedding_type/],
  ["image", "config.json", "vision_config.pruned_heads", { 1: [0] }, /pruned/],
  ["image", "config.json", "vision_config.is_decoder", true, /is_decoder: true is not implemented/],
  ["image", "config.json", "vision_config.num_attention_heads", 5, /hidden_size 48 is no multiple of num_attention_heads 5/],
  ["image", "config.json", "vision_config.patch_size", 41, /patch_size 41 is larger than image_size 40/],
  ["image", "config.json", "vision_config.hidden_size", "48", /hidden_size/],
  ["image", "config.json", "vision_config.num_hidden_layers", 0, /num_hidden_layers/],
  ["image", "config.json", "vision_config.image_size", [40, 48], /image_size/],
  ["image", "config.json", "vision_config.image_size", 56, /crop_size 40 is not the tower's image_size 56.*interpolated positions/],
  ["image", "config.json", "vision_config.intermediate_size", 128, /mlp\.fc1\.weight has shape \[112,48\].*\[128,48\]/],
  ["image", "config.json", "vision_config.num_hidden_layers", 3, /no tensor vision_model\.encoder\.layers\.2\./],
  ["image", "config.json", "projection_dim", 64, /64 dimensions and the text tower 96/],
  ["image", "processor_config.json", "image_processor.resample", 6, /resample: 6 is not implemented \(only Pillow's 0 to 5 are\)/],
  ["image", "processor_config.json", "image_processor.do_resize", false, /do_resize: false is not implemented/],
  ["image", "processor_config.json", "image_processor.do_center_crop", false, /size 44 is not the tower's image_size 40/],
  ["image", "processor_config.json", "image_processor.do_normalize", false, /do_normalize: false is not implemented/],
  ["image", "processor_config.json", "image_processor.do_rescale", false, /do_rescale: false is not implemented/],
  ["image", "processor_config.json", "image_processor.do_pad", true, /do_pad/],
  ["image", "processor_config.json", "image_processor.rescale_factor", 1 / 127.5, /rescale_factor: is not implemented \(only 1\/255 is\)/],
  ["image", "processor_config.json", "image_processor.size", { height: 40, width: 48 }, /size: .*"height":40.* is not implemented/],
  ["image", "processor_config.json", "image_processor.size", { shortest_edge: 44, longest_edge: 80 }, /longest_edge.* is not implemented/],
  ["image", "processor_config.json", "image_processor.size", { shortest_edge: 38 }, /size 38 is smaller than its crop_size 40/],
  ["image", "processor_config.json", "image_processor.crop_size", { height: 40, width: 48 }, /crop_size: .* is not implemented/],
  ["image", "processor_config.json", "image_processor.size", { height: 44, width: 44 }, /neither cuts a square .* nor squashes/],
  ["image", "processor_config.json", "image_processor.crop_size", 36, /crop_size 36 is not the tower's image_size 40/],
  ["image", "processor_config.json", "image_processor.image_std", [0.2, 0, 0.3], /image_std: expected positive numbers/],
  ["image", "processor_config.json", "image_processor.image_mean", [0.5], /image_mean/],
  ["image", "processor_config.json", "image_processor.image_processor_type", "SiglipImageProcessor", /SiglipImageProcessor/],
  ["image", "processor_config.json", "image_processor.do_reduce_labels", true, /do_reduce_labels/],
  ["image", "processor_config.json", "image_processor.background", [0, 0, 256], /background/],
  ["image", "modules.json", "1", { idx: 1, name: "1", path: "1_Normalize", type: "sentence_transformers.models.Normalize" }, /Transformer -> Normalize are not implemented/],
  ["image", "modules.json", "0.type", "sentence_transformers.models.WordEmbeddings", /WordEmbeddings/],
  ["image", "modules.json", "0.path", "../text", /path: expected the name of a folder in the checkpoint/],
  ["text", "config.json", "model_type", "bert", /model_type: "bert" is not implemented/],
  ["text", "config.json", "activation", "relu", /activation: "relu" is not implemented/],
  ["text", "config.json", "rope_scaling", { factor: 2 }, /rope_scaling: .* is not implemented/],
  ["text", "config.json", "n_heads", 7, /dim 40 is no multiple of n_heads 7/],
  ["text", "config.json", "vocab_size", 100, /token id \d+; config\.json's vocab_size is 100/],
  ["text", "config.json", "hidden_dim", 128, /ffn\.lin1\.weight has shape \[96,40\]/],
  ["text", "1_Pooling/config.json", "pooling_mode", "cls", /pooling_mode: .*"cls" is not implemented/],
  ["text", "1_Pooling/config.json", "pooling_mode", ["mean", "max"], /pooling_mode/],
  ["text", "1_Pooling/config.json", "pooling_mode_cls_token", true, /pooling_mode_cls_token: true is not implemented/],
  ["text", "1_Pooling/config.json", "pooling_mode_weightedmean_tokens", true, /pooling_mode_weightedmean_tokens/],
  ["text", "1_Pooling/config.json", "embedding_dimension", 64, /pooled width 64 is not config\.json's dim 40/],
  ["text", "2_Dense/config.json", "bias", true, /there is no tensor linear\.bias/],
  ["text", "2_Dense/config.json", "activation_function", "torch.nn.modules.activation.Tanh", /activation_function: "torch\.nn\.modules\.activation\.Tanh" is not implemented/],
  ["text", "2_Dense/config.json", "use_residual", true, /use_residual: true is not implemented/],
  ["text", "2_Dense/config.json", "bias", undefined, /bias/],
  ["text", "2_Dense/config.json", "in_features", 48, /in_features 48 is not config\.json's dim 40/],
  ["text", "2_Dense/config.json", "out_features", 64, /96 dimensions and the text tower 64/],
  ["text", "modules.json", "3", { idx: 3, name: "3", path: "3_Normalize", type: "sentence_transformers.models.Normalize" }, /Transformer -> Pooling -> Dense -> Normalize are not implemented/],
  ["text", "modules.json", "2.idx", 0, /Transformer -> Dense -> Pooling are not implemented/],
  ["text", "sentence_bert_config.json", "do_lower_case", true, /do_lower_case: true is not implemented/],
  ["text", "tokenizer_config.json", "padding_side", "left", /padding_side: "left" is not implemented/],
  ["text", "tokenizer_config.json", "truncation_side", "left", /truncation_side: "left" is not implemented/],
  ["text", "tokenizer_config.json", "do_lower_case", false, /do_lower_case false contradicts tokenizer\.json's lowercase true/],
  ["text", "tokenizer_config.json", "pad_token", "<pad>", /padding token <pad> is not in the vocabulary/],
  ["text", "tokenizer.json", "model", { type: "WordPiece" }, /model\.vocab/],
  ["text", "tokenizer.json", "pre_tokenizer", { type: "Nonsense" }, /tokenizer\.json cannot be used/],
  ["text", "tokenizer_config.json", "model_max_length", 7.5, /model_max_length/],
  ["text", "config_sentence_transformers.json", "default_prompt_name", "query", /default_prompt_name "query": prompts are not implemented/],
]; // biome-ignore format: a table

describe("a checkpoint is refused by name for", () => {
  it.each(deviations)("%s/%s %s %j", async (tower, file, key, value, names) => {
    const message = await refusal(async (pair) => {
      const folder = tower === "image" ? pair.imageDir : pair.textDir;
      if (key === "default_prompt_name") await editJson(join(folder, file), "prompts.query", "query: ");
      await editJson(join(folder, file), key, value);
    });
    expect(message).toMatch(names);
  });

  it.each([
    ["image", "config.json"],
    ["image", "processor_config.json"],
    ["image", "model.safetensors"],
    ["text", "config.json"],
    ["text", "1_Pooling/config.json"],
    ["text", "2_Dense/config.json"],
    ["text", "2_Dense/model.safetensors"],
    ["text", "model.safetensors"],
    ["text", "tokenizer.json"],
  ] as const)("a missing %s/%s", async (tower, file) => {
    const message = await refusal((pair) => rm(join(tower === "image" ? pair.imageDir : pair.textDir, file)));
    expect(message).toContain(file === "processor_config.json" ? "preprocessor_config.json" : file);
    expect(message).toMatch(/is missing/);
  });

  it("a missing tokenizer.json, saying how to make one", async () => {
    expect(await refusal(({ textDir }) => rm(join(textDir, "tokenizer.json")))).toMatch(
      /AutoTokenizer.*save_pretrained/,
    );
  });

  it("pickled weights, saying how to convert them", async () => {
    const message = await refusal(({ textDir }) =>
      rename(join(textDir, "model.safetensors"), join(textDir, "pytorch_model.bin")),
    );
    expect(message).toMatch(/pytorch_model\.bin is not read.*save it again/);
  });

  it.each([
    [{ weight_map: { logit_scale: "../text/model.safetensors" } }, /weight_map\.logit_scale: expected the name of a/],
    [
      { weight_map: { logit_scale: "model-00001-of-00002.safetensors" } },
      /model-00001-of-00002\.safetensors is missing/,
    ],
    [{ weight_map: {} }, /index\.json: there is no tensor vision_model/],
    [{}, /weight_map/],
  ])("an index of shards %j", async (index, names) => {
    const message = await refusal(async ({ imageDir }) => {
      await rm(join(imageDir, "model.safetensors"));
      await writeFile(join(imageDir, "model.safetensors.index.json"), JSON.stringify(index));
    });
    expect(message).toMatch(names);
  });

  it("a file that is not JSON", async () => {
    expect(await refusal(({ imageDir }) => writeFile(join(imageDir, "config.json"), "{"))).toMatch(
      /^Image checkpoint: config\.json is not JSON\.$/,
    );
  });

  it("no folder at all", async () => {
    const pair = await copyPair();
    await expect(build({ ...pair, textDir: join(pair.textDir, "nothing") })).rejects.toMatchObject({
      code: "CHECKPOINT_INVALID",
      message: "Text checkpoint: there is no such folder.",
    });
  });
});

/** Layouts and keys of other versions of the two libraries, all with the same meaning. */
const layouts: [string, (pair: Pair) => Promise<void>][] = [
  [
    "module names and files of sentence-transformers 2",
    async ({ imageDir, textDir }) => {
      await mkdir(join(imageDir, "0_CLIPModel"));
      for (const file of ["config.json", "model.safetensors"]) {
        await rename(join(imageDir, file), join(imageDir, "0_CLIPModel", file));
      }
      const { image_processor } = JSON.parse(await readFile(join(imageDir, "processor_config.json"), "utf8"));
      const older = { ...image_processor, size: 44, crop_size: 40, feature_extractor_type: "CLIPFeatureExtractor" };
      await writeFile(join(imageDir, "0_CLIPModel/preprocessor_config.json"), JSON.stringify(older));
      const clip = { idx: 0, name: "0", path: "0_CLIPModel", type: "sentence_transformers.models.CLIPModel" };
      await writeFile(join(imageDir, "modules.json"), JSON.stringify([clip]));
      for (const [index, kind] of ["Transformer", "Pooling", "Dense"].entries()) {
        await editJson(join(textDir, "modules.json"), `${index}.type`, `sentence_transformers.models.${kind}`);
      }
      await writeFile(join(textDir, "sentence_bert_config.json"), '{"max_seq_length":32,"do_lower_case":false}');
      const pooling = { word_embedding_dimension: 40, pooling_mode_cls_token: false, pooling_mode_mean_tokens: true };
      await writeFile(join(textDir, "1_Pooling/config.json"), JSON.stringify(pooling));
    },
  ],
  [
    "vision_config_dict, which wins over vision_config",
    async ({ imageDir }) => {
      const file = join(imageDir, "config.json");
      const { vision_config } = JSON.parse(await readFile(file, "utf8"));
      await editJson(file, "vision_config_dict", vision_config);
      await editJson(file, "vision_config", { hidden_size: 999 });
    },
  ],
  ["no modules.json, as transformers saves it", ({ imageDir }) => rm(join(imageDir, "modules.json"))],
  [
    "the many keys that transformers 4 writes",
    async ({ imageDir, textDir }) => {
      const image = { _name_or_path: "", add_cross_attention: false, bad_words_ids: null, pruned_heads: {}, top_k: 50 };
      const text = { output_past: true, tie_weights_: true, torch_dtype: "float32", _name_or_path: "old" };
      for (const [key, value] of Object.entries(image)) {
        await editJson(join(imageDir, "config.json"), `vision_config.${key}`, value);
      }
      for (const [key, value] of Object.entries(text)) await editJson(join(textDir, "config.json"), key, value);
    },
  ],
];

describe("a checkpoint gives the same weights with", () => {
  it.each(layouts)("%s", async (_, change) => {
    const expected = await build(await copyPair());
    const pair = await copyPair();
    await change(pair);
    const { manifest } = await build(pair);
    expect(manifest.files).toEqual(expected.manifest.files);
    expect({ ...manifest, sources: {} }).toEqual({ ...expected.manifest, sources: {} });
  });
});

describe("a checkpoint's own settings reach the manifest:", () => {
  it("the background for transparent pictures", async () => {
    const pair = await copyPair();
    expect((await build(pair)).manifest.image.background).toBeNull();
    await editJson(join(pair.imageDir, "processor_config.json"), "image_processor.background", [255, 255, 255]);
    expect((await build(pair)).manifest.image.background).toEqual([255, 255, 255]);
  });

  it("the longest sequence, which never exceeds the positions", async () => {
    const pair = await copyPair();
    expect((await build(pair)).manifest.text.maxTokens).toBe(32);
    await editJson(join(pair.textDir, "tokenizer_config.json"), "model_max_length", 1e30);
    expect((await build(pair)).manifest.text.maxTokens).toBe(48);
    await editJson(join(pair.textDir, "sentence_bert_config.json"), "max_seq_length", 16);
    expect((await build(pair)).manifest.text.maxTokens).toBe(16);
  });
});
