import { describe, expect, it } from "vitest";
import { testApp } from "../support/test-app.ts";

const { app, encoder } = testApp({ maxBatchItems: 2048 });
const post = (url: string, payload: object) => app.inject({ method: "POST", url, payload });
const b64 = Buffer.alloc(9, 1).toString("base64");

describe("POST /rank", () => {
  it("answers candidates of any kind, best first", async () => {
    const candidates = [{ text: "a" }, { b64 }, { url: "https://example.com/x.jpg" }, { text: "abcdef" }];
    const reply = await post("/rank", { query: { text: "abcdef" }, candidates, top: 3 });
    expect(Object.keys(reply.json())).toEqual(["success", "results"]);
    const { results } = reply.json();
    expect(results).toHaveLength(3);
    expect(results[0]).toEqual({ index: expect.any(Number), cosine: expect.any(Number) });
    const cosines = results.map(({ cosine }: { cosine: number }) => cosine);
    expect(cosines).toEqual([...cosines].sort((a, b) => b - a));
  });

  it("tells the kind of the probabilities that were asked for", async () => {
    const payload = { query: { b64 }, candidates: [{ text: "a" }, { text: "b" }], probabilities: true };
    const refused = await post("/rank", payload);
    expect([refused.statusCode, refused.json().error]).toEqual([400, expect.stringContaining("no logit scale")]);
    encoder.manifest.logit = { kind: "softmax", scale: 4.6 };
    const { probability_kind: kind, results } = (await post("/rank", payload)).json();
    encoder.manifest.logit = null;
    expect([kind, results[0].probability + results[1].probability]).toEqual(["softmax", expect.closeTo(1, 5)]);
  });

  it.each([
    ["no query", { candidates: [{ text: "a" }] }, "query"],
    ["no candidates", { query: { text: "a" }, candidates: [] }, "no candidates"],
    [
      "a candidate with two sources",
      { query: { text: "a" }, candidates: [{ text: "a", b64 }] },
      "candidates[0]: Exactly one",
    ],
    ["a bad query", { query: { b64: "%" }, candidates: [{ text: "a" }] }, "query: The image is not valid base64"],
    ["a bad candidate", { query: { text: "a" }, candidates: [{ text: "a" }, { text: "" }] }, "candidates[1]: "],
    ["top below one", { query: { text: "a" }, candidates: [{ text: "a" }], top: 0 }, "top"],
    ["an unknown field", { query: { text: "a" }, candidates: [{ text: "a" }], k: 1 }, '"k"'],
  ])("refuses %s", async (_what, payload, sentence) => {
    const reply = await post("/rank", payload);
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toEqual({
      success: false,
      error: expect.stringContaining(sentence),
      code: expect.any(String),
    });
  });
});

describe("POST /compare", () => {
  it("answers a row of cosines for each of the first items", async () => {
    const { similarities, success } = (
      await post("/compare", { a: [{ text: "a" }, { b64 }], b: [{ text: "a" }, { b64 }, { text: "abc" }] })
    ).json();
    expect(success).toBe(true);
    expect(similarities.map((row: number[]) => row.length)).toEqual([3, 3]);
  });

  it("answers as many pairs as fit, and refuses more", async () => {
    const items = (count: number) => Array.from({ length: count }, (_, i) => ({ text: `${i}` }));
    const most = await post("/compare", { a: items(1000), b: items(1000) });
    expect(most.json().similarities.map((row: number[]) => row.length)).toEqual(Array(1000).fill(1000));
    const more = await post("/compare", { a: items(1000), b: items(1001) });
    expect([more.statusCode, more.json().code]).toEqual([413, "BATCH_TOO_LARGE"]);
  });

  it("names the item that is bad", async () => {
    const reply = await post("/compare", { a: [{ text: "a" }], b: [{ text: "a" }, { b64: "%" }] });
    expect(reply.json().error).toMatch(/^b\[1\]: /);
    expect((await post("/compare", { a: [], b: [{ text: "a" }] })).statusCode).toBe(400);
  });
});
