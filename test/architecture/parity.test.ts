import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";
import { createEncoder, type Encoder } from "../../src/index.ts";
import type { Model } from "../../src/model/manifest.ts";
import { openTokenizer } from "../../src/text/tokenizer.ts";
import { cosine } from "../../src/tower/vectors.ts";
import { temporaryFolder } from "../support/checkpoints.ts";
import { golden } from "../support/tiny-model.ts";

/** What transformers gives, written by scripts/fixtures/make-towers.py. */
interface Reference {
  texts: { text: string; ids: number[]; embedding?: number[] }[];
  images: Record<string, { pixels: string; embedding: number[] }>;
  logit: { scale: number; bias?: number };
}

const fixtures = resolve(import.meta.dirname, "../fixtures/checkpoints");
const signal = new AbortController().signal;

describe.each([
  ["clip-legacy", { text: { architecture: "clip-text", padding: "batch" }, image: { architecture: "clip-vision" } }],
  ["clip-open", { text: { maxTokens: 21 }, image: { fit: "squash", resample: "bilinear" } }],
  ["siglip", { text: { padding: 16, padId: 1 }, image: { fit: "squash", resample: "bicubic" } }],
  ["siglip2", { text: { padding: 19, paddingSide: "left" }, image: { architecture: "siglip-vision" } }],
])("the checkpoint %s", (name, manifest) => {
  const directory = join(fixtures, name);
  let reference: Reference;
  let model: Model;
  let encoder: Encoder;
  beforeAll(async () => {
    reference = JSON.parse(await readFile(join(directory, "reference.json"), "utf8"));
    const outDir = join(await temporaryFolder(), "model");
    model = await buildModel({ imageDir: directory, textDir: directory, outDir, name, precision: "fp32" });
    encoder = await createEncoder({ model: model.directory });
  });
  afterAll(() => encoder?.close());

  it("says in the manifest how its inputs are made", () => {
    expect(model.manifest).toMatchObject(manifest);
    const { scale, bias } = reference.logit;
    expect(model.manifest.logit).toEqual(
      bias === undefined
        ? { kind: "softmax", scale: expect.closeTo(scale, 6) }
        : { kind: "sigmoid", scale: expect.closeTo(scale, 6), bias: expect.closeTo(bias, 6) },
    );
  });

  it("gives transformers' token ids for 200 nasty texts", async () => {
    const { maxTokens, tokenizer: file } = model.manifest.text;
    const tokenizer = openTokenizer({ file: join(model.directory, file), maxTokens });
    expect(reference.texts.length).toBe(200);
    const tokens = await tokenizer.tokenize(
      reference.texts.map(({ text }) => text),
      signal,
    );
    for (const [i, { text, ids }] of reference.texts.entries()) {
      expect({ text, ids: tokens[i]!.ids }).toEqual({ text, ids });
    }
  });

  it("gives transformers' vectors for texts, alone and in a batch", async () => {
    const texts = reference.texts.filter(({ embedding }) => embedding);
    expect(texts.length).toBe(25);
    const { embeddings } = await encoder.encodeTexts(
      texts.map(({ text }) => text),
      { normalize: false },
    );
    for (const [i, { text, embedding }] of texts.entries()) {
      expect(cosine(embeddings[i]!, Float32Array.from(embedding!))).toBeGreaterThan(0.99999);
      for (const [d, value] of embedding!.entries()) expect(embeddings[i]![d]).toBeCloseTo(value, 3);
      const alone = await encoder.encodeTexts([text], { normalize: false });
      expect(alone.embeddings[0]).toEqual(embeddings[i]);
    }
  });

  it("gives Pillow's pixels and transformers' vectors for pictures", async () => {
    const preprocess = createPreprocessor(model.manifest.image, { maxImagePixels: 1e8 });
    for (const [picture, { pixels, embedding }] of Object.entries(reference.images)) {
      const bytes = await readFile(join(golden, "images", picture));
      const { data } = await preprocess(bytes);
      expect(Buffer.from(data).equals(Buffer.from(pixels, "base64"))).toBe(true);
      const { embeddings } = await encoder.encodeImages([bytes], { normalize: false });
      expect(cosine(embeddings[0]!, Float32Array.from(embedding))).toBeGreaterThan(0.99999);
      for (const [d, value] of embedding.entries()) expect(embeddings[0]![d]).toBeCloseTo(value, 3);
    }
  });

  it("stays close to itself at int8, in both towers", async () => {
    const outDir = join(await temporaryFolder(), "int8");
    const { manifest } = await buildModel({ imageDir: directory, textDir: directory, outDir, name, precision: "auto" });
    for (const tower of [manifest.image, manifest.text]) {
      expect(tower.precision).toBe("int8");
      expect(tower.fidelity!.mean).toBeGreaterThan(0.998);
    }
  });
});
