import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";
import { createEncoder, type Encoder } from "../../src/index.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { Model } from "../../src/model/manifest.ts";
import { createApp } from "../../src/server/app.ts";
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
  ["clip-l14", { dimensions: 48, text: { maxTokens: 77 }, image: { size: 42, resize: 42 } }],
  ["clip-h14", { dimensions: 64, text: { maxTokens: 77 }, image: { size: 28, resize: 28 } }],
  ["siglip", { text: { padding: 16, padId: 1 }, image: { fit: "squash", resample: "bicubic" } }],
  ["siglip2", { text: { padding: 19, paddingSide: "left" }, image: { architecture: "siglip-vision" } }],
  ["so400m", { dimensions: 144, text: { padding: 64 }, image: { size: 48, fit: "squash" } }],
])("the checkpoint %s", (name, manifest) => {
  const directory = join(fixtures, name);
  let reference: Reference;
  let model: Model;
  let encoder: Encoder;
  let app: ReturnType<typeof createApp>;
  let url: string;
  beforeAll(async () => {
    reference = JSON.parse(await readFile(join(directory, "reference.json"), "utf8"));
    const outDir = join(await temporaryFolder(), "model");
    model = await buildModel({ imageDir: directory, textDir: directory, outDir, name, precision: "fp32" });
    encoder = await createEncoder({ model: model.directory, decodeTimeoutMs: 300_000 });
    const config = settingsWith(serviceSettings, { requestTimeoutMs: 300_000 }); // an emulated processor takes longer than usual
    app = createApp({ encoder, config, metrics: createMetrics(), version: "1.2.3" });
    url = await app.listen({ port: 0, host: "127.0.0.1" });
  });
  afterAll(async () => {
    await app?.close();
    await encoder?.close();
  });

  async function vectors(route: string, body: object): Promise<Float32Array[]> {
    const headers = { "content-type": "application/json" };
    const reply = await fetch(`${url}${route}`, {
      ...{ method: "POST", headers },
      body: JSON.stringify({ ...body, normalize: false }),
    });
    const { dimensions, embeddings } = (await reply.json()) as { dimensions: number; embeddings: number[][] }; // the contract
    expect(dimensions).toBe(model.manifest.dimensions);
    return embeddings.map((values) => Float32Array.from(values));
  }

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
    const embeddings = await vectors("/encode_text", { texts: texts.map(({ text }) => text) });
    for (const [i, { text, embedding }] of texts.entries()) {
      expect(cosine(embeddings[i]!, Float32Array.from(embedding!))).toBeGreaterThan(0.99999);
      for (const [d, value] of embedding!.entries()) expect(embeddings[i]![d]).toBeCloseTo(value, 3);
      expect(await vectors("/encode_text", { texts: [text] })).toEqual([embeddings[i]]);
    }
  });

  it("gives Pillow's pixels and transformers' vectors for pictures", async () => {
    const preprocess = createPreprocessor(model.manifest.image, { maxImagePixels: 1e8 });
    for (const [picture, { pixels, embedding }] of Object.entries(reference.images)) {
      const bytes = await readFile(join(golden, "images", picture));
      const { data } = await preprocess(bytes);
      expect(Buffer.from(data).equals(Buffer.from(pixels, "base64"))).toBe(true);
      const [vector] = await vectors("/encode_image", { images: [{ b64: bytes.toString("base64") }] });
      expect(cosine(vector!, Float32Array.from(embedding))).toBeGreaterThan(0.99999);
      for (const [d, value] of embedding.entries()) expect(vector![d]).toBeCloseTo(value, 3);
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
