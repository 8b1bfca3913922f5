import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createEncoder, type Encoder } from "../../src/encoder/encoder.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createApp } from "../../src/server/app.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
let encoder: Encoder;
let app: FastifyInstance;
beforeAll(async () => {
  model = await buildTinyModel();
  const settings = { model, threads: 1, decodeProcesses: 1 };
  const config = settingsWith(serviceSettings, settings);
  encoder = await createEncoder(settings);
  app = createApp({ encoder, config, metrics: createMetrics(), version: "1.2.3" });
});
afterAll(async () => {
  await app?.close();
  await encoder?.close();
  if (model) await rm(dirname(model), { recursive: true });
});

async function post(payload: object) {
  const reply = await app.inject({ method: "POST", url: "/encode_text", payload });
  return { status: reply.statusCode, headers: reply.headers, ...reply.json() };
}

function expectVector(vector: number[]) {
  expect(vector).toHaveLength(encoder.manifest.dimensions);
  expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
}

/** Makes any sequence of UTF-16 units, so that most surrogates in it are unpaired. */
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
  .map((all) => String.fromCharCode(...all));
const graphemes = fc.string({ unit: "grapheme", maxLength: 300 });
const oddities = fc
  .array(
    fc.constantFrom(
      "\0",
      "\ud800",
      "\udfff",
      "\ufeff",
      "\ufffe",
      "\u202e",
      "\u200b",
      "\u0301",
      "ﷺ",
      "𝕬",
      "👩‍👩‍👧‍👦",
      "\r\n",
      "\u0085",
      "[MASK]",
      "##",
      "%00",
      "{{7*7}}",
    ),
    { maxLength: 60 },
  )
  .map((all) => all.join(""));
const anyText = fc.oneof(units, graphemes, oddities);

describe("any text", () => {
  it("has a vector of unit length, unless it is empty", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const reply = await post({ text });
        if (text.trim() === "") expect(reply).toMatchObject({ status: 400, code: "EMPTY_TEXT" });
        else expectVector(reply.embedding);
      }),
      { numRuns: 500 },
    );
  });

  it("has that vector in a batch too, whatever its neighbours are", async () => {
    const texts = fc.array(
      anyText.filter((text) => text.trim() !== ""),
      { minLength: 2, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(texts, async (texts) => {
        const [batch, alone] = await Promise.all([post({ texts }), post({ text: texts[0] })]);
        expect(batch.embeddings).toHaveLength(texts.length);
        expect(batch.embeddings[0]).toEqual(alone.embedding);
        for (const vector of batch.embeddings) expectVector(vector);
      }),
      { numRuns: 50 },
    );
  });

  it("that cannot be encoded is named by its place in a batch", async () => {
    const texts = ["a", "b", "\u3000\n", "c"];
    expect(await post({ texts })).toMatchObject({
      status: 400,
      code: "EMPTY_TEXT",
      error: expect.stringContaining("[2]"),
    });
  });
});

describe("a text of a megabyte", () => {
  const long = 1024 * 1024;
  it.each<[name: string, text: string]>([
    ["words", "a red bicycle "],
    ["one word", "x"],
    ["full stops", "."],
    ["NULs and a letter", `${"\0".repeat(255)}a`],
    ["unpaired surrogates", "\ud800\udfff\udfff "],
    ["combining accents", `e${"\u0301".repeat(500)}`],
    ["ligatures that expand", "ﷺ"],
    ["right to left", "\u202eשלום "],
  ])("of %s has a vector", async (_name, piece) => {
    const text = piece.repeat(Math.floor(long / Buffer.byteLength(piece)));
    const reply = await post({ text });
    expect(reply.status).toBe(200);
    expectVector(reply.embedding);
  });

  it("is cut to the model's longest sequence, and says so", async () => {
    const reply = await post({ text: "a red bicycle ".repeat(70_000) });
    expect(reply.headers["x-truncated"]).toBe("true");
    expect(reply.embedding).toEqual((await post({ text: "a red bicycle ".repeat(200) })).embedding);
  });

  it("and one byte is refused", async () => {
    expect(await post({ text: "x".repeat(long + 1) })).toMatchObject({ status: 413, code: "TEXT_TOO_LONG" });
    expect(await post({ text: "é".repeat(long / 2 + 1) })).toMatchObject({ status: 413, code: "TEXT_TOO_LONG" });
  });

  it("without spaces is one unknown token, and the answer says so", async () => {
    const reply = await post({ text: "ก".repeat(300_000) });
    expect(reply).toMatchObject({ status: 200 });
    expect(reply.headers["x-unknown-tokens"]).toBe("1");
    expect((await post({ text: "a" })).headers).not.toHaveProperty("x-unknown-tokens");
  });

  it("of white space is empty", async () => {
    expect(await post({ text: " \n\t\u2003".repeat(200_000) })).toMatchObject({ code: "EMPTY_TEXT" });
  });
});
