import { describe, expect, it } from "vitest";
import { testApp } from "../../support/test-app.ts";

const { app } = testApp({ maxBatchItems: 50 });
const post = (url: string, payload: object) => app.inject({ method: "POST", url, payload });
const b64 = (length: number) => Buffer.alloc(length, 1).toString("base64");
const dataUri = `data:image/png;base64,${b64(7)}`;
const first = (vectors: number[][]) => vectors.map(([length]) => length);

describe("Titan's POST /invoke", () => {
  it("answers a text or an image", async () => {
    const text = (await post("/invoke", { inputText: "hello", inputImage: null })).json();
    expect(Object.keys(text)).toEqual(["embedding", "inputTextTokenCount"]);
    expect(text.embedding[0]).toBe(5);
    expect((await post("/invoke", { inputImage: b64(7) })).json().embedding[0]).toBe(7);
  });

  it.each([
    ["both", { inputText: "a", inputImage: b64(7) }, "text and image together"],
    ["neither", {}, "holds nothing"],
    ["another length", { inputText: "a", embeddingConfig: { outputEmbeddingLength: 384 } }, "512, not 384"],
  ])("refuses %s", async (_what, payload, sentence) => {
    const reply = await post("/invoke", payload);
    expect([reply.statusCode, reply.json()]).toEqual([400, { message: expect.stringContaining(sentence) }]);
  });
});

describe("Cohere's POST /v2/embed", () => {
  it("answers texts, and repeats them", async () => {
    const body = (await post("/v2/embed", { texts: ["a", "bb"], input_type: "search_document" })).json();
    expect(first(body.embeddings.float)).toEqual([1, 2]);
    expect(body).toMatchObject({
      id: expect.any(String),
      texts: ["a", "bb"],
      meta: { api_version: { version: "2" }, billed_units: { input_tokens: expect.any(Number) } },
      response_type: "embeddings_by_type",
    });
  });

  it("answers images and mixed inputs, as numbers and as base64", async () => {
    expect(first((await post("/v2/embed", { images: [dataUri] })).json().embeddings.float)).toEqual([7]);
    const inputs = [
      { content: [{ type: "text", text: "abc" }] },
      { content: [{ type: "image_url", image_url: { url: dataUri } }] },
    ];
    const { embeddings } = (await post("/v2/embed", { inputs, embedding_types: ["base64", "float"] })).json();
    expect(first(embeddings.float)).toEqual([3, 7]);
    expect(embeddings.base64.map((vector: string) => Buffer.from(vector, "base64").readFloatLE(0))).toEqual([3, 7]);
  });

  it.each([
    ["texts and images", { texts: ["a"], images: [dataUri] }, 400, "Exactly one"],
    [
      "an input of both kinds",
      {
        inputs: [
          {
            content: [
              { type: "text", text: "a" },
              { type: "image_url", image_url: { url: dataUri } },
            ],
          },
        ],
      },
      400,
      "inputs[0]",
    ],
    ["another type", { texts: ["a"], embedding_types: ["int8"] }, 400, "embedding_types[0]"],
    ["another model", { texts: ["a"], model: "embed-v4.0" }, 404, "embed-v4.0"],
  ])("refuses %s", async (_what, payload, status, sentence) => {
    const reply = await post("/v2/embed", payload);
    expect([reply.statusCode, reply.json()]).toEqual([status, { message: expect.stringContaining(sentence) }]);
  });
});

describe("Voyage's POST /v1/multimodalembeddings", () => {
  const content = (...parts: object[]) => ({ content: parts });
  const text = { type: "text", text: "abc" };
  const image = { type: "image_base64", image_base64: dataUri };

  it("answers one vector for each input", async () => {
    const inputs = [content(text), content(image), content({ type: "image_url", image_url: "https://example.com/x" })];
    const { data, model, usage } = (await post("/v1/multimodalembeddings", { inputs, input_type: null })).json();
    expect(data.map(({ embedding, index }: { embedding: number[]; index: number }) => [index, embedding[0]])).toEqual([
      [0, 3],
      [1, 7],
      [2, 0],
    ]);
    expect([model, usage.total_tokens]).toEqual(["fake-model", 0]);
  });

  it("answers base64 where that is asked for", async () => {
    const { data } = (
      await post("/v1/multimodalembeddings", { inputs: [content(text)], output_encoding: "base64" })
    ).json();
    expect(Buffer.from(data[0].embedding, "base64").readFloatLE(0)).toBe(3);
  });

  it("refuses an input of both kinds", async () => {
    const reply = await post("/v1/multimodalembeddings", { inputs: [content(text, image)] });
    expect([reply.statusCode, reply.json()]).toMatchObject([
      400,
      { detail: expect.stringContaining("inputs[0]"), error: { code: "INVALID_REQUEST" } },
    ]);
  });
});
