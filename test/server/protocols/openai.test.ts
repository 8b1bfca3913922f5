import { describe, expect, it } from "vitest";
import { EncoderError } from "../../../src/errors.ts";
import { testApp } from "../../support/test-app.ts";

const { app, encoder } = testApp({ modelAliases: ["my-clip"], maxImageBytes: 1024, maxBatchItems: 50 });
const post = (payload: object, url = "/v1/embeddings") => app.inject({ method: "POST", url, payload });
const picture = (length: number) => Buffer.alloc(length, 1).toString("base64");
const dataUri = (length: number) => `data:image/png;base64,${picture(length)}`;
const url = "https://example.com/x.jpg";

/** The fake encoder's vectors start with the length of what they are of; of a URL, with 0. */
async function lengths(payload: object, url?: string) {
  const reply = await post(payload, url);
  expect([reply.statusCode, reply.body.slice(0, 200)]).toEqual([200, expect.stringContaining('{"object":"list"')]);
  return reply.json().data.map(({ embedding }: { embedding: number[] }) => embedding[0]);
}

const image = (value: string) => ({ type: "image_url", image_url: { url: value } });
const words = (text: string) => ({ type: "text", text });
const user = (...content: object[]) => [{ role: "user", content }];

describe("POST /v1/embeddings", () => {
  it("answers as OpenAI does, with our model and the number of tokens", async () => {
    const reply = await post({ model: "fake-model", input: ["a", "bb"], user: "me", truncate: true });
    expect(reply.json()).toEqual({
      object: "list",
      data: [1, 2]
        .map((length, index) => ({ object: "embedding", index, embedding: expect.any(Array), length }))
        .map(({ length: _, ...item }) => item),
      model: "fake-model",
      usage: { prompt_tokens: 0, total_tokens: 0 },
    });
    expect((await post({ input: "hello" }, "/embeddings")).json().data).toHaveLength(1);
  });

  it.each([
    ["one string", { input: "hello" }, [5]],
    ["strings", { input: ["a", "bb"] }, [1, 2]],
    ["data URIs among strings", { input: ["a", dataUri(7), "ccc"] }, [1, 7, 3]],
    ["a data URI of another type than it says", { input: [` data:text/plain;base64,${picture(9)}`] }, [9]],
    ["a URL as text", { input: url }, [url.length]],
    [
      "objects with text or image",
      { input: [{ text: "ab" }, { image: picture(7) }, { image: dataUri(8) }, { image: url }], task: "x" },
      [2, 7, 8, 0],
    ],
    ["one such object", { input: { image: dataUri(8), text: null } }, [8]],
    ["images by modality", { input: [url, dataUri(6)], modality: "image" }, [0, 6]],
    ["a modality for each", { input: ["ab", url], modality: ["text", "image"] }, [2, 0]],
    ["a conversation with text", { messages: [{ role: "user", content: "abc" }] }, [3]],
    ["a conversation with an image", { messages: user(image(dataUri(6))) }, [6]],
    ["several conversations", { messages: [user(words("ab")), user(image(url))] }, [2, 0]],
    ["conversations in the input", { input: [user(words("ab")), user(image(dataUri(3)))] }, [2, 3]],
    [
      "Dify's conversation",
      {
        messages: [
          { role: "system", content: [words("Represent the given image")] },
          ...user(image(dataUri(6)), words("")),
          { role: "assistant", content: [words("")] },
        ],
        encoding_format: "float",
        continue_final_message: true,
        add_special_tokens: true,
      },
      [6],
    ],
  ])("encodes %s", async (_what, payload, expected) => {
    expect(await lengths(payload)).toEqual(expected);
  });

  it("takes strings for images at Infinity's older route", async () => {
    expect(await lengths({ input: url }, "/embeddings_image")).toEqual([0]);
    expect(await lengths({ input: [dataUri(6), url], modality: "image" }, "/embeddings_image")).toEqual([6, 0]);
  });

  it("gives base64 of little-endian float32s where that is asked for", async () => {
    for (const asked of [{ encoding_format: "base64" }, { embedding_type: "base64" }]) {
      const [{ embedding }] = (await post({ input: "hello", ...asked })).json().data;
      const bytes = Buffer.from(embedding, "base64");
      expect([bytes.length, bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual([2048, 5, Math.fround(0.1)]);
    }
  });

  it("is of unit length, unless the client asks for the raw vector", async () => {
    await post({ input: "a", normalized: true });
    expect(encoder.options.at(-1)!.normalize).toBe(true);
    await post({ input: "a", normalized: false });
    expect(encoder.options.at(-1)!.normalize).toBe(false);
  });

  it.each(["fake-model", "Example/Model", "MY-CLIP", "", null, "default", "default/not-specified", "tei", undefined])(
    "knows the model as %s",
    async (model) => {
      expect((await post({ input: "a", model })).statusCode).toBe(200);
    },
  );

  it.each(["text-embedding-3-small", "clip-ViT-B-32", "fake-model-2", "fake"])("does not know %s", async (model) => {
    const reply = await post({ input: "a", model });
    expect(reply.statusCode).toBe(404);
    expect(reply.json().error).toMatchObject({ type: "invalid_request_error", param: null, code: "model_not_found" });
    expect(reply.json().error.message).toContain("fake-model is");
  });

  it("takes any name where that is switched on", async () => {
    const { app } = testApp({ acceptAnyModel: true });
    const payload = { input: "a", model: "text-embedding-3-small" };
    const reply = await app.inject({ method: "POST", url: "/v1/embeddings", payload });
    expect([reply.statusCode, reply.json().model]).toEqual([200, "fake-model"]);
  });

  it.each([
    ["nothing", {}, 400, "neither"],
    ["input and messages", { input: "a", messages: [{ role: "user", content: "a" }] }, 400, "both"],
    ["an empty list", { input: [] }, 400, "no item"],
    ["token ids", { input: [1, 2, 3] }, 400, "check_embedding_ctx_length=False"],
    ["lists of token ids", { input: [[1, 2], [3]] }, 400, "check_embedding_ctx_length=False"],
    ["an empty text", { input: ["a", " "] }, 400, "input[1]"],
    ["an object with both", { input: [{ text: "a", image: url }] }, 400, "input[0]: exactly one of text and image"],
    ["an object with neither", { input: [{}] }, 400, "exactly one of text and image"],
    ["an object with something else", { input: [{ text: "a", audio: url }] }, 400, 'unknown field "audio"'],
    [
      "a conversation with both",
      { messages: user(words("a"), image(url)) },
      400,
      "no vector for text and image together",
    ],
    ["a conversation with two images", { messages: user(image(url), image(url)) }, 400, "one image"],
    ["a conversation without a user", { messages: [{ role: "system", content: "a" }] }, 400, "holds nothing"],
    ["another modality", { input: ["a"], modality: "text_image" }, 400, "modality: expected text or image"],
    ["too few modalities", { input: ["a", "b"], modality: ["text"] }, 400, "modality has 1 values, and input 2 items"],
    ["other dimensions", { input: "a", dimensions: 256 }, 400, "512, not 256"],
    ["a binary vector", { input: "a", embedding_type: "binary" }, 400, "embedding_type: expected float or base64"],
    ["another format", { input: "a", encoding_format: "hex" }, 400, "encoding_format"],
    ["broken base64", { input: ["a", "data:image/png;base64,QUJ%"] }, 400, "input[1]: The image is not valid base64"],
    ["an image of too many bytes", { input: [dataUri(1025)] }, 400, "1024 bytes"],
    ["too many items", { input: Array(51).fill("a") }, 413, "at most 50"],
  ])("refuses %s", async (_what, payload, status, sentence) => {
    const reply = await post(payload);
    expect(reply.statusCode).toBe(status);
    expect(reply.json()).toEqual({
      error: {
        message: expect.stringContaining(sentence),
        type: expect.any(String),
        param: null,
        code: expect.any(String),
      },
      detail: reply.json().error.message,
    });
  });

  it.each([
    ["URL_FORBIDDEN", 400, "invalid_request_error"],
    ["IMAGE_UNREADABLE", 400, "invalid_request_error"],
    ["OVERLOADED", 429, "rate_limit_error"],
    ["ENGINE_FAILED", 503, "server_error"],
  ] as const)("answers %s so that SDKs try again, or do not", async (code, status, type) => {
    encoder.failure = new EncoderError(code, "A sentence.", { index: 0 });
    const reply = await post({ input: "a" });
    encoder.failure = undefined;
    expect([reply.statusCode, reply.json().error.type]).toEqual([status, type]);
    expect(reply.headers["retry-after"]).toBe(status === 400 ? undefined : "1");
  });

  it("asks for a key as SDKs know it", async () => {
    const { app } = testApp({ apiKeys: ["secret"] });
    const reply = await app.inject({ method: "POST", url: "/v1/embeddings", payload: { input: "a" } });
    expect([reply.statusCode, reply.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
    expect(reply.json().error.code).toBe("invalid_api_key");
    expect((await app.inject("/v1/models")).statusCode).toBe(401);
  });
});

describe("the models of this protocol", () => {
  it.each(["/v1/models", "/models"])("are one at %s", async (path) => {
    const { object, data } = (await app.inject(path)).json();
    expect(object).toBe("list");
    const openAis = { id: "fake-model", object: "model", created: expect.any(Number), owned_by: "infinity" };
    const infinitys = { stats: {}, backend: "onnxruntime", capabilities: ["embed", "image_embed"] };
    expect(data).toEqual([{ ...openAis, ...infinitys }]);
  });
});

describe("the health checks of this protocol", () => {
  it("need no key, and tell when the service is stopping", async () => {
    const { app } = testApp({ apiKeys: ["secret"] });
    expect((await app.inject("/v1/health/live")).statusCode).toBe(200);
    expect((await app.inject("/v1/health/ready")).statusCode).toBe(200);
    app.draining = true;
    expect((await app.inject("/v1/health/ready")).statusCode).toBe(503);
  });
});
