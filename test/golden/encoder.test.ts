import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder, type Encoder } from "../../src/index.ts";
import { openTokenizer } from "../../src/text/tokenizer.ts";
import { cosine } from "../../src/tower/vectors.ts";
import { buildTinyModel, golden } from "../support/tiny-model.ts";

interface Reference {
  images: Record<string, number[]>;
  texts: { text: string; ids: number[]; embedding: number[] }[];
}

const reference: Reference = JSON.parse(readFileSync(join(golden, "tiny/reference.json"), "utf8"));
const picture = (name: string) => readFileSync(join(golden, "images", name));
const raw = { normalize: false };
let directory: string;
let encoder: Encoder;
/** Items that wait for each tower. */
const depths = new Map<string, number>();

beforeAll(async () => {
  directory = await buildTinyModel();
  encoder = await createEncoder({ model: directory }, { onQueueDepth: (tower, waiting) => depths.set(tower, waiting) });
});
afterAll(() => encoder?.close());

/** Each picture must reach this cosine with the reference. No picture is shrunk while it is decoded. */
const floors: Record<string, number> = { "cmyk.jpg": 0.99, "large.jpg": 0.998 };

describe("texts", () => {
  it("have the reference's token ids, every one", async () => {
    const tokenizer = openTokenizer({ file: join(directory, "tokenizer.json"), maxTokens: 128 });
    const tokens = await tokenizer.tokenize(
      reference.texts.map(({ text }) => text),
      new AbortController().signal,
    );
    expect(tokens.map(({ ids }) => ids)).toEqual(reference.texts.map(({ ids }) => ids));
  });

  it("have the reference's vectors, not normalised", async () => {
    const { embeddings } = await encoder.encodeTexts(
      reference.texts.map(({ text }) => text),
      raw,
    );
    reference.texts.forEach(({ embedding }, i) => {
      const expected = Float32Array.from(embedding);
      expect(cosine(embeddings[i]!, expected)).toBeGreaterThan(0.99999);
      embeddings[i]!.forEach((value, d) => {
        expect(value).toBeCloseTo(expected[d]!, 3);
      });
    });
  });

  it("are bit-identical alone and in a batch, padded to longer ones", async () => {
    const texts = reference.texts.map(({ text }) => text);
    const { embeddings } = await encoder.encodeTexts(texts, raw);
    for (const [i, text] of texts.entries()) {
      const { embeddings: alone } = await encoder.encodeTexts([text], raw);
      expect(alone[0]).toEqual(embeddings[i]);
    }
  });

  it("report that they were cut", async () => {
    const { truncated, tokens } = await encoder.encodeTexts(["short", "word ".repeat(500)]);
    expect(truncated).toBe(1);
    expect(tokens).toBeGreaterThan(128);
    expect(tokens).toBeLessThan(128 + 10);
  });
});

describe("images", () => {
  it.each(Object.keys(reference.images))("%s has the reference's vector", async (name) => {
    const { embeddings } = await encoder.encodeImages([picture(name)], raw);
    const floor = floors[name] ?? 0.9999;
    expect(cosine(embeddings[0]!, Float32Array.from(reference.images[name]!))).toBeGreaterThan(floor);
  });

  it("are bit-identical alone and in a batch", async () => {
    const names = Object.keys(reference.images);
    const { embeddings } = await encoder.encodeImages(names.map(picture), raw);
    for (const [i, name] of names.entries()) {
      const { embeddings: alone } = await encoder.encodeImages([picture(name)], raw);
      expect(alone[0]).toEqual(embeddings[i]);
    }
  });
});

describe("vectors", () => {
  it("have unit length unless asked otherwise", async () => {
    const { embeddings } = await encoder.encodeTexts(["a photo of a cat"]);
    const { embeddings: unscaled } = await encoder.encodeTexts(["a photo of a cat"], raw);
    const length = (vector: Float32Array) => Math.hypot(...vector);
    expect(length(embeddings[0]!)).toBeCloseTo(1, 6);
    expect(length(unscaled[0]!)).toBeGreaterThan(2);
    expect(cosine(embeddings[0]!, unscaled[0]!)).toBeCloseTo(1, 6);
  });

  it("have the dimensions of the manifest", async () => {
    const { embeddings } = await encoder.encodeImages([picture("photo.jpg")]);
    expect(embeddings[0]).toHaveLength(encoder.manifest.dimensions);
    expect(encoder.manifest.dimensions).toBe(512);
  });
});

describe("a caller that goes away", () => {
  /** Also fails the run if a rejection is left that nobody awaits, which would end the service. */
  it("at any moment gets its own reason, and leaves nothing behind", async () => {
    const texts = reference.texts.map(({ text }) => text);
    const photo = picture("photo.jpg");
    for (let moment = 0; moment < 24; moment++) {
      const caller = new AbortController();
      const options = { signal: caller.signal };
      const calls = [
        encoder.encodeTexts([...texts, `text ${moment}`], options),
        encoder.encodeImages([Buffer.concat([photo, Buffer.of(moment)]), Buffer.from("no image")], options),
      ];
      const outcomes = Promise.allSettled(calls);
      for (let turn = 0; turn < moment; turn++) await new Promise(setImmediate);
      caller.abort(new Error("gone"));
      const [text] = await outcomes;
      if (text!.status === "rejected") expect(text!.reason).toEqual(new Error("gone"));
    }
    expect((await encoder.encodeTexts(["still here"])).embeddings).toHaveLength(1);
    expect([...depths.values()]).toEqual([0, 0]);
  });
});
