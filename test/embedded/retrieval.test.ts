import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createEncoder, type Encoder } from "../../src/encoder/encoder.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createApp } from "../../src/server/app.ts";

/**
 * Drawings in a style that the embedded model was not trained on, and photographs, of which none was
 * (training/pictogram/fixture.py and photograph_fixture.py chose them).
 */
const fixture = resolve(import.meta.dirname, "../fixtures/retrieval");

interface Retrieval {
  /**
   * The least share of names, in percent, that must find one of their pictures first (r1) and among the first ten
   * (drawings, r10) or three (photographs, r3). Each floor is a few points below what the model reaches.
   */
  floors: Record<string, Record<string, number>>;
  names: Record<string, { text: string; pictures: string[] }[]>;
  /** The unit vectors that PyTorch gives for some of the files, as base64 of float32. */
  vectors?: Record<string, string>;
}

interface Collection extends Omit<Retrieval, "vectors"> {
  files: string[];
  /** Unit vectors of the files. */
  vectors: number[][];
}

const kinds = [
  { kind: "drawings", file: "retrieval.json", folder: "pictures" },
  { kind: "photographs", file: "photographs.json", folder: "photographs" },
];
const asked = kinds.flatMap(({ kind, file }) => Object.keys(read(file).names).map((locale) => ({ kind, locale })));
const collections = new Map<string, Collection>();
let modelsDir: string;
let encoder: Encoder;
let app: FastifyInstance;

function read(file: string): Retrieval {
  return JSON.parse(readFileSync(join(fixture, file), "utf8"));
}

beforeAll(async () => {
  modelsDir = await mkdtemp(join(tmpdir(), "embedded-"));
  const config = settingsWith(serviceSettings, { modelsDir, logLevel: "silent" });
  encoder = await createEncoder({ modelsDir });
  app = createApp({ encoder, config, metrics: createMetrics(), version: "test" });
  for (const { kind, file, folder } of kinds) {
    const files = readdirSync(join(fixture, folder)).sort();
    const images = files.map((name) => ({ b64: readFileSync(join(fixture, folder, name), "base64") }));
    collections.set(kind, { ...read(file), files, vectors: await embeddings("/encode_image", { images }) });
  }
});
afterAll(async () => {
  await app?.close();
  await encoder?.close();
  await rm(modelsDir, { recursive: true });
});

async function embeddings(url: string, payload: object): Promise<number[][]> {
  const reply = await app.inject({ method: "POST", url, payload });
  expect(reply.statusCode).toBe(200);
  return reply.json().embeddings;
}

const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Gives the rank, from 0, of the best of the right pictures among all pictures of a collection. */
function placeOf(right: string[], query: number[], { files, vectors }: Collection): number {
  const scores = vectors.map((picture) => dot(picture, query));
  const best = Math.max(...right.map((file) => scores[files.indexOf(file)]!));
  return scores.filter((score) => score > best).length;
}

describe("the embedded model, over HTTP", () => {
  it("is asked in five languages for enough pictures for chance to be far away", () => {
    for (const { files, floors } of collections.values()) {
      expect(Object.keys(floors)).toHaveLength(5);
      for (const { r1 } of Object.values(floors)) expect(r1).toBeGreaterThan(700 / files.length);
    }
    expect([...collections.values()].map(({ files }) => files.length)).toEqual([180, 25]);
  });

  it("gives the vectors that its figures were measured with", () => {
    const { files, vectors } = collections.get("photographs")!;
    const reference = Object.entries(read("photographs.json").vectors!);
    expect(reference).toHaveLength(4);
    for (const [file, base64] of reference) {
      const bytes = Buffer.from(base64, "base64");
      const vector = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
      expect([file, dot(vectors[files.indexOf(file)]!, vector)]).toEqual([file, expect.closeTo(1, 3)]);
    }
  });

  it.each(asked)("finds $kind by their names in: $locale", async ({ kind, locale }) => {
    const collection = collections.get(kind)!;
    const queries = collection.names[locale]!;
    const vectors = await embeddings("/encode_text", { texts: queries.map(({ text }) => text) });
    const places = queries.map((query, i) => placeOf(query.pictures, vectors[i]!, collection));
    for (const [figure, floor] of Object.entries(collection.floors[locale]!)) {
      const most = Number(figure.slice(1));
      const found = (100 * places.filter((place) => place < most).length) / places.length;
      expect({ figure, found, enough: found >= floor }).toMatchObject({ enough: true });
    }
  });
});
