import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder, type Encoder } from "../../../src/encoder/encoder.ts";
import { buildId } from "../../../src/model/build-id.ts";
import { creditOf, type GalleryPicture, type GalleryVectorsHead } from "../../../web/src/collections/gallery-data.ts";
import { exampleQueries } from "../../../web/src/search/example-queries.ts";
import { cosine } from "../../../web/src/vectors/cosine.ts";
import { rank } from "../../../web/src/vectors/ranking.ts";

const web = resolve(import.meta.dirname, "../../../web");
const readJson = (file: string) => JSON.parse(readFileSync(join(web, "gallery", file), "utf8"));
const pictures: GalleryPicture[] = readJson("pictures.json");
const head: GalleryVectorsHead = readJson("vectors.json");
const bytes = readFileSync(join(web, "gallery/vectors.bin"));
const vectors = pictures.map((_, at) => {
  const numbers = new Int16Array(bytes.buffer, bytes.byteOffset + at * head.dimensions * 2, head.dimensions);
  return Float32Array.from(numbers, (number) => number / 32767);
});

let modelsDir: string;
let encoder: Encoder;

beforeAll(async () => {
  modelsDir = await mkdtemp(join(tmpdir(), "gallery-"));
  encoder = await createEncoder({ modelsDir });
});
afterAll(async () => {
  await encoder?.close();
  await rm(modelsDir, { recursive: true, force: true });
});

describe("the gallery", () => {
  it("has all its files and no others, with a credit each, in less than 6 MB", () => {
    const files = readdirSync(join(web, "public/gallery"));
    expect(files.sort()).toEqual(pictures.map(({ file }) => file).sort());
    const total = files.reduce((sum, file) => sum + statSync(join(web, "public/gallery", file)).size, bytes.length);
    expect(total).toBeLessThan(6_000_000);
    const licenses = new Set(pictures.map((picture) => creditOf(picture)?.license));
    expect([...licenses].sort()).toEqual(["Apache-2.0", "CC0-1.0", "MIT", "public-domain"]);
  });

  it("has vectors of the embedded model as it is now; if not: npm run gallery", async () => {
    expect(bytes.length).toBe(pictures.length * head.dimensions * 2);
    const { manifest } = encoder;
    const { name: model, dimensions } = manifest;
    expect(head).toMatchObject({ model, dimensions, buildId: buildId(manifest) });
    for (let at = 0; at < pictures.length; at += 40) {
      const file = readFileSync(join(web, "public/gallery", pictures[at]!.file));
      const { embeddings } = await encoder.encodeImages([file]);
      // Another processor may round otherwise; another model gives another vector altogether.
      expect({ file: pictures[at]!.file, isSame: cosine(embeddings[0]!, vectors[at]!) > 0.99 }).toMatchObject({
        isSame: true,
      });
    }
  });

  it("answers the examples rightly", async () => {
    const drawings = pictures.flatMap((picture, at) =>
      picture.collection === "drawings" ? [{ ...picture, vector: vectors[at] }] : [],
    );
    const { embeddings } = await encoder.encodeTexts(exampleQueries.map(({ text }) => text));
    for (const [index, { text, finds }] of exampleQueries.entries()) {
      const best = rank(drawings, embeddings[index]!).slice(0, 3);
      expect({ text, names: best.map(({ picture }) => picture.name) }).toEqual({
        text,
        names: expect.arrayContaining([finds]),
      });
    }
  });
});
