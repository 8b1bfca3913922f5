import { describe, expect, it } from "vitest";
import { testApp } from "../support/test-app.ts";

const { app } = testApp();
const octets = { accept: "application/octet-stream" };
const text = (payload: object, headers = {}) => app.inject({ method: "POST", url: "/encode_text", payload, headers });
const floats = (bytes: Buffer) => [bytes.length, bytes.readFloatLE(0), bytes.readFloatLE(4)];
const ofBase64 = (embedding: string) => floats(Buffer.from(embedding, "base64"));
const vectorOf5 = [2048, 5, Math.fround(0.1)];

describe("vectors as base64", () => {
  it("stand under the same keys", async () => {
    const one = (await text({ text: "hello", encoding: "base64" })).json();
    expect(Object.keys(one)).toEqual(["success", "dimensions", "embedding"]);
    expect(ofBase64(one.embedding)).toEqual(vectorOf5);
    const many = (await text({ texts: ["hello", "abcde"], encoding: "base64" })).json();
    expect(many.embeddings.map(ofBase64)).toEqual([vectorOf5, vectorOf5]);
  });

  it("are asked for by a field of JSON, a field of a form, or the query of a raw body", async () => {
    const image = Buffer.alloc(5, 1);
    const url = "/encode_image";
    const json = app.inject({
      method: "POST",
      url,
      payload: { image_b64: image.toString("base64"), encoding: "base64" },
    });
    const headers = { "content-type": "image/png" };
    const raw = app.inject({ method: "POST", url: `${url}?encoding=base64`, payload: image, headers });
    const form = new FormData();
    form.append("encoding", "base64");
    form.append("file", new Blob([image]));
    const encoded = new Response(form);
    const formHeaders = { "content-type": encoded.headers.get("content-type")! };
    const payload = Buffer.from(await encoded.arrayBuffer());
    const sent = app.inject({ method: "POST", url, payload, headers: formHeaders });
    for (const reply of [await json, await raw, await sent])
      expect(ofBase64(reply.json().embedding)).toEqual(vectorOf5);
  });

  it("are refused where the word is another", async () => {
    expect((await text({ text: "a", encoding: "hex" })).json().code).toBe("INVALID_REQUEST");
  });
});

describe("a vector as raw bytes", () => {
  it("is the answer to one item where application/octet-stream is accepted, and no JSON", async () => {
    const reply = await text({ text: "hello" }, octets);
    expect(reply.headers["content-type"]).toBe("application/octet-stream");
    expect(floats(reply.rawPayload)).toEqual(vectorOf5);
    for (const accept of ["*/*", "application/json", "application/octet-stream, application/json;q=0.5"]) {
      expect((await text({ text: "hello" }, { accept })).json().embedding).toHaveLength(512);
    }
  });

  it("is refused for a batch, and errors are JSON", async () => {
    const batch = await text({ texts: ["hello"] }, octets);
    expect([batch.statusCode, batch.json().code]).toEqual([406, "NOT_ACCEPTABLE"]);
    expect((await text({ text: "" }, octets)).json().code).toBe("EMPTY_TEXT");
  });
});

describe("a query parameter", () => {
  it.each([
    ["/encode_text?normalize=false", { text: "a" }],
    ["/encode_text?x=1", { text: "a" }],
    ["/encode_image?normalize=false", { image_b64: "QUJD" }],
    ["/encode_image?normalise=false", { image_b64: "QUJD" }],
    ["/rank?top=1", { query: { text: "a" }, candidates: [{ text: "a" }] }],
  ])("is refused where it means nothing: %s", async (url, payload) => {
    const reply = await app.inject({ method: "POST", url, payload });
    expect([reply.statusCode, reply.json().code]).toEqual([400, "INVALID_REQUEST"]);
  });

  it("is refused where it is misspelt", async () => {
    const headers = { "content-type": "image/png" };
    const url = "/encode_image?normalise=false";
    const reply = await app.inject({ method: "POST", url, payload: Buffer.alloc(5, 1), headers });
    expect([reply.statusCode, reply.json().error]).toEqual([400, expect.stringContaining("normalise")]);
  });
});
