import { describe, expect, it } from "vitest";
import { EncoderError } from "../../src/errors.ts";
import { testApp } from "../support/test-app.ts";

const { app, encoder } = testApp({ maxBatchItems: 100, maxTextBytes: 1000 });
const post = (payload: object) => app.inject({ method: "POST", url: "/encode_text", payload });

describe("POST /encode_text", () => {
  it("answers one text with exactly success, dimensions and embedding", async () => {
    const reply = await post({ text: "hello" });
    expect(reply.statusCode).toBe(200);
    expect(reply.headers["content-type"]).toBe("application/json; charset=utf-8");
    const body = reply.json();
    expect(Object.keys(body)).toEqual(["success", "dimensions", "embedding"]);
    expect(body).toMatchObject({ success: true, dimensions: 512 });
    expect(body.embedding).toHaveLength(512);
    expect(body.embedding.slice(0, 2)).toEqual([5, 0.1]);
    expect(reply.body).not.toContain("0.10000000149");
  });

  it("answers several texts in their order, one text in a list with a list", async () => {
    const texts = Array.from({ length: 100 }, (_, i) => "x".repeat(i + 1));
    const body = (await post({ texts })).json();
    expect(Object.keys(body)).toEqual(["success", "dimensions", "embeddings"]);
    expect(body.embeddings.map(([length]: number[]) => length)).toEqual(texts.map(({ length }) => length));
    expect((await post({ texts: ["abc"] })).json().embeddings).toHaveLength(1);
  });

  it("normalises unless told otherwise; null means absent", async () => {
    for (const [normalize, expected] of [
      [undefined, true],
      [null, true],
      [true, true],
      [false, false],
    ]) {
      await post({ text: "x", texts: null, normalize });
      expect(encoder.options.at(-1)!.normalize).toBe(expected);
    }
  });

  it("tells the model, the stages and whether texts were cut in headers", async () => {
    const { headers } = await post({ text: "x" });
    expect(headers["x-model"]).toBe("fake-model");
    expect(headers["server-timing"]).toBe("queue;dur=1.00, inference;dur=2.50");
    expect(headers["x-truncated"]).toBeUndefined();
    expect((await post({ text: "x".repeat(101) })).headers["x-truncated"]).toBe("true");
  });

  it.each([
    ["neither text nor texts", {}, 400, "INVALID_REQUEST", "Exactly one of text and texts"],
    ["both", { text: "a", texts: ["b"] }, 400, "INVALID_REQUEST", "both"],
    ["an unknown field", { text: "a", normalise: false }, 400, "INVALID_REQUEST", '"normalise"'],
    ["an own __proto__", JSON.parse('{"text": "a", "__proto__": {"x": 1}}'), 400, "INVALID_REQUEST", "__proto__"],
    ["a text that is none", { text: 5 }, 400, "INVALID_REQUEST", "text: expected string, received number"],
    ["texts that are none", { texts: "a" }, 400, "INVALID_REQUEST", "texts: expected array, received string"],
    ["one of many that is none", { texts: ["a", null] }, 400, "INVALID_REQUEST", "texts[1]: expected string"],
    ["normalize that is no boolean", { text: "a", normalize: "false" }, 400, "INVALID_REQUEST", "normalize: expected"],
    ["a list as body", [{ text: "a" }], 400, "INVALID_REQUEST", "expected object, received array"],
    ["no texts", { texts: [] }, 400, "INVALID_REQUEST", "no text"],
    ["an empty text", { text: "" }, 400, "EMPTY_TEXT", "EMPTY_TEXT"],
    ["white space", { text: " \n\t\u3000" }, 400, "EMPTY_TEXT", "EMPTY_TEXT"],
    ["white space among others", { texts: ["a", "b", " "] }, 400, "EMPTY_TEXT", "texts[2]: EMPTY_TEXT"],
    ["a text of too many bytes", { text: "ä".repeat(501) }, 413, "TEXT_TOO_LONG", "1000 bytes"],
    ["too many texts", { texts: Array(101).fill("a") }, 413, "BATCH_TOO_LARGE", "at most 100"],
  ])("refuses %s", async (_what, payload, status, code, sentence) => {
    const reply = await post(payload);
    expect(reply.statusCode).toBe(status);
    expect(Object.keys(reply.json())).toEqual(["success", "error", "code"]);
    expect(reply.json()).toEqual({ success: false, error: expect.stringContaining(sentence), code });
  });

  it("takes a text of exactly the most bytes", async () => {
    expect((await post({ text: "ä".repeat(500) })).statusCode).toBe(200);
  });

  it("names the item that the encoder refused, in a batch only", async () => {
    encoder.failure = new EncoderError("ENGINE_FAILED", "The engine failed.", { index: 1, internal: "secret detail" });
    const batch = await post({ texts: ["a", "b"] });
    expect(batch.statusCode).toBe(503);
    expect(batch.headers["retry-after"]).toBe("1");
    expect(batch.json()).toEqual({ success: false, error: "texts[1]: The engine failed.", code: "ENGINE_FAILED" });
    encoder.failure = new EncoderError("ENGINE_FAILED", "The engine failed.", { index: 0 });
    expect((await post({ text: "a" })).json().error).toBe("The engine failed.");
    encoder.failure = undefined;
  });

  it("hides what nobody foresaw", async () => {
    encoder.failure = new TypeError("/home/me/secret is not a function") as EncoderError;
    const reply = await post({ text: "a" });
    encoder.failure = undefined;
    expect(reply.statusCode).toBe(500);
    expect(reply.json()).toEqual({ success: false, error: "Internal error.", code: "INTERNAL" });
  });
});
