import { describe, expect, it } from "vitest";
import { testApp } from "../../support/test-app.ts";

const { app, encoder } = testApp({ maxBatchItems: 4 });
const vectorize = (payload: object) => app.inject({ method: "POST", url: "/vectorize", payload });
const image = (length: number) => Buffer.alloc(length, 1).toString("base64");

describe("POST /vectorize", () => {
  it("answers raw vectors of texts and images, each in their order", async () => {
    const reply = await vectorize({ texts: ["a", "bb"], images: [image(7), image(7)] });
    expect(Object.keys(reply.json())).toEqual(["textVectors", "imageVectors"]);
    expect(reply.json().textVectors.map(([length]: number[]) => length)).toEqual([1, 2]);
    expect(reply.json().imageVectors.map(([length]: number[]) => length)).toEqual([7, 7]);
    expect(encoder.options.slice(-2).map(({ normalize }) => normalize)).toEqual([false, false]);
  });

  it("answers both keys if only one is asked for, or none", async () => {
    expect((await vectorize({ texts: ["a"], images: [] })).json()).toMatchObject({ imageVectors: [] });
    expect((await vectorize({ images: [image(7)] })).json()).toMatchObject({ textVectors: [] });
    expect((await vectorize({ texts: [], images: [] })).json()).toEqual({ textVectors: [], imageVectors: [] });
  });

  it.each([
    ["an image that is not base64", { texts: ["a"], images: ["%"] }, 400, "images[0]: "],
    ["an empty text", { texts: ["a", ""], images: [image(7)] }, 400, "texts[1]: "],
    ["a text that is none", { texts: [1] }, 400, "texts[0]: expected string"],
    ["too many items", { texts: ["a", "b", "c"], images: [image(7), image(7)] }, 413, "at most 4"],
  ])("refuses %s with a sentence under error", async (_what, payload, status, sentence) => {
    const reply = await vectorize(payload);
    expect(reply.statusCode).toBe(status);
    expect(reply.json()).toEqual({ error: expect.stringContaining(sentence) });
  });
});

describe("what Weaviate asks at its start", () => {
  it("is GET /meta, and health without a key or a body", async () => {
    const { app } = testApp({ apiKeys: ["secret"] });
    const headers = { authorization: "Bearer secret" };
    const meta = await app.inject({ url: "/meta", headers });
    expect(meta.json()).toMatchObject({ clip_model: { dimensions: 512 }, text_model: { dimensions: 512 } });
    expect((await app.inject("/meta")).statusCode).toBe(401);
    for (const path of ["/.well-known/live", "/.well-known/ready"]) {
      const { statusCode, body } = await app.inject(path);
      expect([statusCode, body]).toEqual([204, ""]);
    }
    app.draining = true;
    expect((await app.inject("/.well-known/ready")).statusCode).toBe(503);
  });
});
