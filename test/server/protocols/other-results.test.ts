import { describe, expect, it } from "vitest";
import { pixel } from "../../../src/server/schemas.ts";
import { testApp } from "../../support/test-app.ts";

const { app, encoder } = testApp();
const post = (url: string, payload: object) => app.inject({ method: "POST", url, payload });
const uri = `data:image/png;base64,${pixel}`;
const words = { type: "text", text: "a" };

describe("a request for another result than ours", () => {
  it.each([
    ["/v1/embeddings", { input: "a", output_dtype: "int8" }],
    ["/v1/embeddings", { input: "a", output_dimension: 256 }],
    ["/v1/embeddings", { input: "a", truncate: "START" }],
    ["/v1/embeddings", { input: "a", truncate_prompt_tokens: 8 }],
    [
      "/v1/embeddings",
      { messages: [{ role: "user", content: [words, { type: "video_url", video_url: { url: "x" } }] }] },
    ],
    ["/v1/embeddings", { messages: [{ role: "user", content: [words, { type: "image", image: uri }] }] }],
    ["/v1/embeddings", { input: [{ text: "a", image_url: "https://host/x.png" }] }],
    ["/v1/multimodalembeddings", { inputs: [{ content: [words] }], output_dtype: "binary" }],
    [
      "/v1/multimodalembeddings",
      { inputs: [{ content: [words, { type: "video_url", video_url: "https://host/x.mp4" }] }] },
    ],
    ["/v2/embed", { texts: ["a"], truncate: "START" }],
    ["/v2/embed", { inputs: [{ content: [words, { type: "image", image: "xxx" }] }] }],
    ["/embed", { inputs: "a", truncation_direction: "Left" }],
    ["/embed", { inputs: "a", prompt_name: "query" }],
    ["/invoke", { inputText: "a", normalize: false }],
    ["/invoke", { inputText: "a", dimensions: 256 }],
    ["/invoke", { inputText: "a", embeddingTypes: ["binary"] }],
  ])("is refused at %s: %j", async (path, payload) => {
    expect([400, 422]).toContain((await post(path, payload)).statusCode);
  });

  it.each([
    ["/v1/embeddings", { input: "a", truncate: "END", truncate_prompt_tokens: -1, output_dtype: "float" }],
    ["/v1/multimodalembeddings", { inputs: [{ content: [words] }], truncation: true, output_dimension: 512 }],
    ["/v2/embed", { texts: ["a"], truncate: "NONE" }],
    ["/embed", { inputs: "a", truncate: false, truncation_direction: "Right" }],
    ["/invoke", { inputText: "a", dimensions: 512, normalize: true, embeddingTypes: ["float"] }],
  ])("is answered at %s where it is ours: %j", async (path, payload) => {
    expect((await post(path, payload)).statusCode).toBe(200);
  });

  it.each(["normalized", "normalize"])("is answered without unit length where it asks so by %s", async (name) => {
    expect((await post("/v1/embeddings", { input: "a", [name]: false })).statusCode).toBe(200);
    expect(encoder.options.at(-1)!.normalize).toBe(false);
  });
});

describe("OpenAI's route", () => {
  const inputOf = async (path: string, payload: object) => {
    const { data } = (await post(path, payload)).json();
    return data?.map(({ embedding }: { embedding: number[] }) => embedding[0]);
  };

  it("takes words that begin as a data URI does for text", async () => {
    const texts = ["Data: 12 maggio 2024", "data: a, b; c", "a"];
    const lengths = texts.map(({ length }) => length);
    expect(await inputOf("/v1/embeddings", { input: texts })).toEqual(lengths);
    expect(await inputOf("/v1/embeddings", { input: [uri], modality: "text" })).toEqual([uri.length]);
    expect(await inputOf("/v1/embeddings", { input: [uri] })).toEqual([Buffer.from(pixel, "base64").length]);
  });

  it("takes null for no modality where strings are images", async () => {
    const bytes = [Buffer.from(pixel, "base64").length];
    expect(await inputOf("/embeddings_image", { input: [pixel], modality: null })).toEqual(bytes);
  });
});
