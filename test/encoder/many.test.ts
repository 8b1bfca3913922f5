import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder, type Encoder, encodeMany } from "../../src/index.ts";
import { pixelPng } from "../support/pixel.ts";
import { slowEngine } from "../support/slow-engine.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
let encoder: Encoder;
beforeAll(async () => {
  model = await buildTinyModel();
  encoder = await createEncoder({ model, maxTextQueue: 4 }, {}, { startEngine: slowEngine(1) });
});
afterAll(async () => {
  await encoder.close();
  await rm(dirname(model), { recursive: true });
});

describe("encoding many items", () => {
  it("yields a vector or an error for each, in the order of the source", async () => {
    const source = [
      { id: "picture", image: pixelPng },
      { id: "broken", image: Buffer.from("not an image") },
      { id: "text", text: "a red bicycle" },
      { id: "blank", text: " " },
    ];
    const results = [];
    for await (const one of encodeMany(source, { encoder })) results.push(one);
    expect(results.map(({ id }) => id)).toEqual(["picture", "broken", "text", "blank"]);
    expect(results.map((one) => ("error" in one ? one.error.code : one.embedding.length))).toEqual([
      512,
      "IMAGE_UNSUPPORTED",
      512,
      "EMPTY_TEXT",
    ]);
  });

  it("takes no more from the source than it is told to, and gives up the rest when the loop is left", async () => {
    let taken = 0;
    async function* texts() {
      for (; ; taken++) yield { id: taken, text: `number ${taken}` };
    }
    const seen: number[] = [];
    for await (const { id } of encodeMany(texts(), { encoder, ahead: 8 })) {
      seen.push(id);
      expect(taken).toBeLessThanOrEqual(id + 8);
      if (id === 30) break;
    }
    expect(seen).toEqual(Array.from({ length: 31 }, (_, id) => id));
  });

  it("yields what is done while the source has nothing, and waits for it no longer than its signal", async () => {
    async function* stalled() {
      yield { id: 1, text: "a" };
      await new Promise(() => {});
    }
    const stop = new AbortController();
    const results = encodeMany(stalled(), { encoder, signal: stop.signal });
    expect((await results.next()).value).toMatchObject({ id: 1 });
    const second = results.next();
    stop.abort(new Error("too late"));
    await expect(second).rejects.toThrow("too late");
  });

  it("ends with its signal, and with what its source throws", async () => {
    const signal = AbortSignal.abort(new Error("gone"));
    const aborted = encodeMany([{ id: 1, text: "a" }], { encoder, signal });
    await expect(aborted.next()).rejects.toThrow("gone");
    async function* broken() {
      yield { id: 1, text: "a" };
      throw new Error("the list ends here");
    }
    const results = encodeMany(broken(), { encoder, ahead: 1 });
    expect((await results.next()).value).toMatchObject({ id: 1 });
    await expect(results.next()).rejects.toThrow("the list ends here");
  });
});
