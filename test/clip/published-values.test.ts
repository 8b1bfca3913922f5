import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder, type Encoder, EncoderError } from "../../src/index.ts";
import { locateModel } from "../../src/model/locate.ts";
import { openTokenizer } from "../../src/text/tokenizer.ts";
import { cosine } from "../../src/tower/vectors.ts";

// Published values of the real checkpoints. docs/models.md tells how to run the test where they are
// installed.
const model = process.env.MODEL || "clip-vit-b-32";
const modelsDir = process.env.MODELS_DIR || "~/.cache/image-text-encoder/models";
const photos = process.env.CLIP_PHOTOS;

let encoder: Encoder;

beforeAll(async () => {
  try {
    encoder = await createEncoder({ model, modelsDir });
  } catch (error) {
    if (!(error instanceof EncoderError) || error.code !== "MODEL_INVALID") throw error;
    throw new Error(`${model} is not installed; run: npx image-text-encoder pull clip-vit-b-32 --precision fp32`, {
      cause: error,
    });
  }
});
afterAll(() => encoder?.close());

describe("the model", () => {
  it("is the pinned pair", () => {
    expect(encoder.manifest.sources.image.revision).toBe("327ab6726d33c0e22f920c83f2ff9e4bd38ca37f");
    expect(encoder.manifest.sources.text.revision).toBe("58edf8cada9e398793dca955574a48cbb7f18be2");
    expect(encoder.manifest.dimensions).toBe(512);
  });
});

describe("images", () => {
  it("gives the published vector of a uniform grey picture", async () => {
    const grey = sharp({ create: { width: 224, height: 224, channels: 3, background: { r: 127, g: 127, b: 127 } } });
    const { embeddings } = await encoder.encodeImages([await grey.png().toBuffer()]);
    const first = [
      -0.00019556, -0.01878138, -0.02731299, -0.02184122, 0.00807992, -0.02634042, -0.01809544, 0.11769129,
    ];
    // int8 vectors have a cosine of 0.99 or more with these, which is 0.14 spread over 512 numbers.
    const tolerance = encoder.manifest.image.precision === "fp32" ? 1e-4 : 0.03;
    for (const [i, value] of first.entries()) expect(Math.abs(embeddings[0]![i]! - value)).toBeLessThan(tolerance);
    expect(Math.abs(embeddings[0]![92]! + 0.80389225)).toBeLessThan(tolerance);
  });
});

describe("texts", () => {
  it("are cut into the published token ids", async () => {
    const location = await locateModel({ model, modelsDir });
    if (location.kind !== "folder") throw new Error(`${model} is not the real checkpoint`);
    const tokenizer = openTokenizer({ file: join(location.directory, "tokenizer.json"), maxTokens: 128 });
    const tokens = await tokenizer.tokenize(Object.keys(published), new AbortController().signal);
    expect(tokens.map(({ ids }) => ids)).toEqual(Object.values(published));
  });

  it("gives the published vector's direction, as far as it is published", async () => {
    const { embeddings } = await encoder.encodeTexts(["plajda gülen çocuk"]);
    const first = Float32Array.of(0.00110509, 0.02509443, -0.03266785, -0.01616475, 0.01864713);
    const floor = encoder.manifest.text.precision === "fp32" ? 0.99 : 0.9;
    expect(cosine(embeddings[0]!.slice(0, 5), first)).toBeGreaterThan(floor);
  });
});

const published: Record<string, number[]> = {
  "hello world": [101, 61694, 10133, 11356, 102],
  "Hello, World! New York": [101, 31178, 117, 10315, 106, 10287, 10482, 102],
  生活的真谛是: [101, 5600, 4978, 5718, 5769, 7378, 4380, 102],
  "çocuk 猫 köpek 🐱 deneme": [101, 80099, 5453, 179, 97387, 10707, 100, 10140, 36947, 102],
  ["a".repeat(300)]: [101, 100, 102],
  "it's 3.14 o'clock": [101, 10271, 112, 187, 124, 119, 10247, 183, 112, 52843, 102],
};

/**
 * The figures are softmax(100 * cosine) over the texts, in percent, for the photos of sentence-transformers' image
 * search example.
 */
const texts = ["Hund", "gato", "巴黎晚上", "Париж"];
const shares: Record<string, Record<string, number>> = {
  "eiffel-tower-day.jpg": { Париж: 92.6, 巴黎晚上: 7.3 },
  "eiffel-tower-night.jpg": { 巴黎晚上: 60.3, Париж: 39.7 },
  "two_dogs_in_snow.jpg": { Hund: 99.1 },
  "cat.jpg": { gato: 98.7 },
};

describe.runIf(photos)("the photos in CLIP_PHOTOS", () => {
  it.each(Object.keys(shares))("%s is described by the texts as published, within 3 points", async (name) => {
    const picture = await readFile(join(photos!, name));
    const { embeddings: vectors } = await encoder.encodeTexts(texts);
    const { embeddings } = await encoder.encodeImages([picture]);
    const weights = vectors.map((vector) => Math.exp(100 * cosine(embeddings[0]!, vector)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [text, percent] of Object.entries(shares[name]!)) {
      expect(Math.abs((100 * weights[texts.indexOf(text)]!) / total - percent)).toBeLessThan(3);
    }
  });
});
