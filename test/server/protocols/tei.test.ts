import { describe, expect, it } from "vitest";
import { EncoderError } from "../../../src/errors.ts";
import { testApp } from "../../support/test-app.ts";

const { app, encoder } = testApp({ maxBatchItems: 3, maxTextBytes: 100 });
const embed = (payload: object) => app.inject({ method: "POST", url: "/embed", payload });

describe("POST /embed", () => {
  it("answers a list of vectors, for a single text too", async () => {
    const one = await embed({ inputs: "hello" });
    expect(one.statusCode).toBe(200);
    expect(one.json()).toHaveLength(1);
    expect(one.json()[0].slice(0, 2)).toEqual([5, 0.1]);
    const many = await embed({ inputs: ["a", "bb", "ccc"], truncate: true, prompt_name: null, dimensions: 512 });
    expect(many.json().map(([length]: number[]) => length)).toEqual([1, 2, 3]);
  });

  it("normalises unless told otherwise", async () => {
    for (const [normalize, expected] of [
      [undefined, true],
      [null, true],
      [false, false],
    ]) {
      await embed({ inputs: "x", normalize });
      expect(encoder.options.at(-1)!.normalize).toBe(expected);
    }
  });

  it.each([
    ["no field", {}, 422, "Validation", "inputs"],
    ["token ids", { inputs: [1, 2] }, 422, "Validation", "token ids are not read"],
    ["other dimensions", { inputs: "a", dimensions: 256 }, 422, "Validation", "512, not 256"],
    ["an empty list", { inputs: [] }, 400, "Empty", "empty"],
    ["an empty text", { inputs: ["a", " "] }, 422, "Validation", "inputs[1]"],
    ["too many texts", { inputs: ["a", "b", "c", "d"] }, 422, "Validation", "at most 3"],
    ["a text of too many bytes", { inputs: "x".repeat(101) }, 422, "Validation", "100 bytes"],
  ])("refuses %s in the shape of its own protocol", async (_what, payload, status, type, sentence) => {
    const reply = await embed(payload);
    expect(reply.statusCode).toBe(status);
    expect(reply.json()).toEqual({ error: expect.stringContaining(sentence), error_type: type });
  });

  it.each([
    ["OVERLOADED", 429, "Overloaded"],
    ["ENGINE_FAILED", 424, "Backend"],
    ["SHUTTING_DOWN", 503, "Unhealthy"],
  ] as const)("answers %s as its clients know it", async (code, status, type) => {
    encoder.failure = new EncoderError(code, "A sentence.");
    const reply = await embed({ inputs: "a" });
    encoder.failure = undefined;
    expect([reply.statusCode, reply.json()]).toEqual([status, { error: "A sentence.", error_type: type }]);
  });

  it("is counted under its protocol", async () => {
    const { app } = testApp();
    await app.inject({ method: "POST", url: "/embed", payload: { inputs: ["a", "b"] } });
    const lines = (await app.inject("/metrics")).body.split("\n");
    expect(lines).toContain('encoder_requests_total{route="/embed",method="POST",status="200",protocol="tei"} 1');
    expect(lines).toContain('encoder_items_total{tower="text",protocol="tei"} 2');
  });

  it("refuses a key that is missing in its own shape", async () => {
    const { app } = testApp({ apiKeys: ["secret"] });
    const reply = await app.inject({ method: "POST", url: "/embed", payload: { inputs: "a" } });
    expect([reply.statusCode, Object.keys(reply.json())]).toEqual([401, ["error", "error_type"]]);
  });
});

describe("the OpenAPI document", () => {
  it("shows the errors of a route in its protocol's shape", async () => {
    const { paths } = (await app.inject("/openapi.json")).json();
    const failureOf = (path: string) => paths[path].post.responses.default.content["application/json"].schema;
    expect(failureOf("/embed").required).toEqual(["error", "error_type"]);
    expect(failureOf("/encode_text").required).toEqual(["success", "error", "code"]);
  });
});

describe("POST /similarity and POST /rerank", () => {
  const post = (url: string, payload: object) => app.inject({ method: "POST", url, payload });

  it("answer cosines, and texts best first", async () => {
    const inputs = { source_sentence: "abc", sentences: ["abc", "z"] };
    const similarity = await post("/similarity", { inputs });
    expect(similarity.json()).toHaveLength(2);
    expect(similarity.headers["x-inference-time"]).toBe("3");
    const raw = (await post("/rerank", { query: "abc", texts: ["a", "abc"], raw_scores: true })).json();
    const scaled = (await post("/rerank", { query: "abc", texts: ["a", "abc"], return_text: true })).json();
    expect(raw.map(Object.keys)).toEqual([
      ["index", "score"],
      ["index", "score"],
    ]);
    expect(scaled[0].text).toBe(["a", "abc"][scaled[0].index]);
    expect(scaled[0].score).toBeCloseTo((1 + raw[0].score) / 2, 6);
    expect(raw[0].score).toBeGreaterThanOrEqual(raw[1].score);
  });

  it("refuse what another service calls a rerank, and empty lists", async () => {
    const documents = await post("/rerank", { query: "a", documents: ["b"] });
    const both = await post("/rerank", { query: "a", texts: ["a"], documents: ["b"] });
    expect([documents.statusCode, both.statusCode]).toEqual([422, 422]);
    const empty = await post("/rerank", { query: "a", texts: [] });
    expect([empty.statusCode, empty.json().error_type]).toEqual([400, "Empty"]);
  });

  it("name the text that is bad", async () => {
    const reply = await post("/rerank", { query: "a", texts: ["a", " "] });
    expect(reply.json().error).toMatch(/^texts\[1\]: /);
  });
});

describe("POST /", () => {
  it("is POST /embed", async () => {
    const reply = await app.inject({ method: "POST", url: "/", payload: { inputs: "hello" } });
    expect([reply.statusCode, reply.json()[0][0]]).toEqual([200, 5]);
  });
});
