import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceConfig } from "../../src/config/service.ts";
import { createEncoder, type Encoder } from "../../src/encoder/encoder.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createApp } from "../../src/server/app.ts";

/**
 * These are drawings in a style that the embedded model was not trained on (training/pictogram/fixture.py chose them).
 */
const fixture = resolve(import.meta.dirname, "../fixtures/retrieval");

interface Retrieval {
  /**
   * The least share of names, in percent, that must find one of their pictures first (r1) and among the first ten
   * (r10). Each floor is a few points below the figure of the model's card.
   */
  floors: Record<string, { r1: number; r10: number }>;
  names: Record<string, { text: string; pictures: string[] }[]>;
}

const { floors, names }: Retrieval = JSON.parse(readFileSync(join(fixture, "retrieval.json"), "utf8"));
const files = readdirSync(join(fixture, "pictures")).sort();
let modelsDir: string;
let encoder: Encoder;
let app: FastifyInstance;
let pictures: number[][];

beforeAll(async () => {
  modelsDir = await mkdtemp(join(tmpdir(), "embedded-"));
  const config = serviceConfig({ modelsDir, logLevel: "silent" });
  encoder = await createEncoder({ modelsDir });
  app = createApp({ encoder, config, metrics: createMetrics(), version: "test" });
  const images = files.map((file) => ({ b64: readFileSync(join(fixture, "pictures", file), "base64") }));
  pictures = await embeddings("/encode_image", { images });
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

/** Gives the rank, from 0, of the best of the right pictures among all pictures. */
function placeOf(right: string[], query: number[]): number {
  const scores = pictures.map((picture) => picture.reduce((sum, value, i) => sum + value * query[i]!, 0));
  const best = Math.max(...right.map((file) => scores[files.indexOf(file)]!));
  return scores.filter((score) => score > best).length;
}

describe("the embedded model, over HTTP", () => {
  it("is asked about enough pictures and languages for chance to be far away", () => {
    expect(files.length).toBeGreaterThan(100);
    expect(Object.keys(names).length).toBeGreaterThanOrEqual(5);
    for (const { r1, r10 } of Object.values(floors)) {
      expect(r1).toBeGreaterThan(2000 / files.length / 10);
      expect(r10).toBeGreaterThan(2000 / files.length);
    }
  });

  it.each(Object.keys(names))("finds drawings by their names in: %s", async (locale) => {
    const queries = names[locale]!;
    const vectors = await embeddings("/encode_text", { texts: queries.map(({ text }) => text) });
    const places = queries.map((query, i) => placeOf(query.pictures, vectors[i]!));
    const within = (most: number) => (100 * places.filter((place) => place < most).length) / places.length;
    expect({ locale, enough: within(1) >= floors[locale]!.r1, r1: within(1) }).toMatchObject({ enough: true });
    expect({ locale, enough: within(10) >= floors[locale]!.r10, r10: within(10) }).toMatchObject({ enough: true });
  });
});
