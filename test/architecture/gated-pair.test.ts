import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import type { Tensor } from "../../src/engine/contract.ts";
import { type GraphSession, openSession } from "../../src/engine/session.ts";
import type { Model } from "../../src/model/manifest.ts";
import { textTensors } from "../../src/text/tensors.ts";
import { openTokenizer } from "../../src/text/tokenizer.ts";
import { cosine } from "../../src/tower/vectors.ts";
import { copyGatedPair, editJson, gated, temporaryFolder } from "../support/checkpoints.ts";

interface Reference {
  texts: { text: string; ids: number[]; embedding: number[] }[];
  pixels: { base64: string; embedding: number[]; gate: number }[];
}

const reference: Reference = JSON.parse(await readFile(join(gated, "reference.json"), "utf8"));
const [side, photographDimensions, dimensions] = [44, 20, 32];
let model: Model;
let image: GraphSession;
let text: GraphSession;

beforeAll(async () => {
  const outDir = join(await temporaryFolder(), "model");
  const pair = { imageDir: join(gated, "image"), textDir: join(gated, "text"), name: "gated" };
  model = await buildModel({ ...pair, outDir, precision: "fp32" });
  image = await openSession({ graph: join(outDir, "image.onnx"), threads: 1 });
  text = await openSession({ graph: join(outDir, "text.onnx"), threads: 1 });
});
afterAll(() => Promise.all([image?.close(), text?.close()]));

function pixelTensors(pictures: string[]): Tensor[] {
  const data = Uint8Array.from(Buffer.concat(pictures.map((picture) => Buffer.from(picture, "base64"))));
  return [{ name: "pixels", data, dims: [pictures.length, side, side, 3] }];
}

/** Tells whether a byte of a picture is in the border of three pixels that the classifier, of 38 pixels a side, does not see. */
function isInBorder(byte: number): boolean {
  const pixel = Math.floor(byte / 3);
  return [pixel % side, Math.floor(pixel / side)].some((at) => at < 3 || at >= side - 3);
}

const lengthOf = (vector: Float32Array) => Math.hypot(...vector);

describe("a gated pair of image towers", () => {
  it("gives PyTorch's vectors for pixels", async () => {
    for (const { base64, embedding } of reference.pixels) {
      const vector = await image.run(pixelTensors([base64]));
      for (const [d, value] of embedding.entries()) expect(vector[d]).toBeCloseTo(value, 4);
    }
  });

  it("gives the same bits alone and in a batch", async () => {
    const batch = await image.run(pixelTensors(reference.pixels.map(({ base64 }) => base64)));
    for (const [i, { base64 }] of reference.pixels.entries()) {
      const alone = await image.run(pixelTensors([base64]));
      expect(batch.slice(i * dimensions, (i + 1) * dimensions)).toEqual(alone);
    }
  });

  it("gives each part of a vector the length that the gate says, and neither less than the floor", async () => {
    expect(new Set(reference.pixels.map(({ gate }) => gate.toFixed(1))).size).toBeGreaterThan(1); // the pictures differ
    for (const { base64, gate } of reference.pixels) {
      const vector = await image.run(pixelTensors([base64]));
      expect(lengthOf(vector.slice(0, photographDimensions))).toBeCloseTo(0.15 + 0.85 * gate, 4);
      expect(lengthOf(vector.slice(photographDimensions))).toBeCloseTo(1 - 0.85 * gate, 4);
    }
  });

  it("shows the classifier the middle of a picture, and the transformer all of it", async () => {
    const picture = Buffer.from(reference.pixels[0]!.base64, "base64");
    const other = picture.map((value, i) => (isInBorder(i) ? 255 - value : value));
    const vectorOf = (bytes: Uint8Array) => image.run(pixelTensors([Buffer.from(bytes).toString("base64")]));
    const [before, after] = [await vectorOf(picture), await vectorOf(other)];
    expect(after.slice(0, photographDimensions)).toEqual(before.slice(0, photographDimensions));
    expect(after.slice(photographDimensions)).not.toEqual(before.slice(photographDimensions));
  });

  it("says in the manifest that pictures are squashed to the pair's size", () => {
    expect(model.manifest.image).toMatchObject({ architecture: "gated-pair", size: side, resize: side, fit: "squash" });
    expect(model.manifest).toMatchObject({ dimensions, logit: null });
  });

  it("keeps its classifier in fp32 where the transformer is int8, and stays faithful", async () => {
    const { outDir, ...pair } = await copyGatedPair();
    const { manifest } = await buildModel({ ...pair, outDir, name: "gated", precision: "int8" });
    expect(manifest.image.precision).toBe("int8");
    const session = await openSession({ graph: join(outDir, "image.onnx"), threads: 1 });
    try {
      for (const { base64, embedding, gate } of reference.pixels) {
        const vector = await session.run(pixelTensors([base64]));
        expect(cosine(vector, Float32Array.from(embedding))).toBeGreaterThan(0.995);
        expect(lengthOf(vector.slice(0, photographDimensions))).toBeCloseTo(0.15 + 0.85 * gate, 4);
      }
    } finally {
      await session.close();
    }
  });
});

describe("a text tower with two dense layers", () => {
  it("gives PyTorch's vectors for token ids", async () => {
    for (const { ids, embedding } of reference.texts) {
      const vector = await text.run(textTensors([ids], model.manifest.text));
      for (const [d, value] of embedding.entries()) expect(vector[d]).toBeCloseTo(value, 4);
    }
  });

  it("gives the tokenizer's ids: capitals, width, composition, variation and skin make no difference", async () => {
    const tokenizer = openTokenizer({ file: join(model.directory, "tokenizer.json"), maxTokens: 16 });
    const texts = reference.texts.map(({ text }) => text);
    const tokens = await tokenizer.tokenize(texts, new AbortController().signal);
    expect(tokens.map(({ ids }) => ids)).toEqual(reference.texts.map(({ ids }) => ids));
    const keyOf = (text: string) => tokens[texts.indexOf(text)]!.key;
    expect(keyOf("DOG")).toBe(keyOf("dog"));
    expect(keyOf("ｄｏｇ")).toBe(keyOf("dog"));
    expect(keyOf("Cafe\u0301")).toBe(keyOf("Café"));
    expect(keyOf("🚗️ 🍎")).toBe(keyOf("🚗🍎"));
    expect(tokens[texts.indexOf("👩🏽")]!.ids).not.toContain(1); // [UNK]
  });
});

type Deviation = [folder: "image" | "text", file: string, key: string, value: unknown, names: RegExp];

const deviations: Deviation[] = [
  ["image", "config.json", "gate_floor", 1.5, /gate_floor/],
  ["image", "config.json", "temperature", 0, /temperature/],
  ["image", "config.json", "photograph_dim", 24, /36 dimensions and the text tower 32/],
  ["image", "config.json", "quantization_config", { bits: 4 }, /quantization_config: .* is not implemented/],
  ["image", "modules.json", "2.type", "x.Swin", /GatedPair -> CLIPModel -> Swin are not implemented/],
  ["image", "2_EfficientNetLite/config.json", "hidden_act", "swish", /hidden_act: "swish" is not implemented/],
  ["image", "config.json", "image_size", 37, /Lite.config.json: image_size 38 is larger than .* 37: enlarging/],
  ["image", "config.json", "image_size", 15, /CLIPModel.config.json: image_size 16 is larger than .* 15: enlarging/],
  ["image", "2_EfficientNetLite/config.json", "num_classes", 9, /fc\.weight has shape \[10,24\].*\[9,24\]/],
  ["image", "2_EfficientNetLite/config.json", "stages.1.kernel_size", 3, /depthwise_conv\.weight has shape/],
  ["text", "3_Dense/config.json", "in_features", 24, /in_features 24 is not the 36 of the layer before/],
  ["text", "3_Dense/config.json", "bias", true, /there is no tensor linear\.bias/],
];

describe("a gated pair is refused, naming what is not implemented, for", () => {
  it.each(deviations)("%s/%s %s %j", async (folder, file, key, value, names) => {
    const pair = await copyGatedPair();
    await editJson(join(folder === "image" ? pair.imageDir : pair.textDir, file), key, value);
    const built = buildModel({ ...pair, name: "gated", precision: "fp32" });
    await expect(built).rejects.toMatchObject({ code: "CHECKPOINT_INVALID", message: expect.stringMatching(names) });
  });
});
