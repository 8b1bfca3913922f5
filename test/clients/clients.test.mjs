import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { badDataUri, cosine, dataUri, key, model, nativeVector, picture, startService, useUp } from "./service.mjs";

/** The packages of this folder are tried: node20 or node24. */
const set = process.env.CLIENTS;
const load = createRequire(join(import.meta.dirname, set, "package.json"));

const texts = ["a red bicycle", "a dog", "ein Haus am See"];
let service;
let expected;
let expectedPicture;

before(async () => {
  service = await startService({ RATE_LIMIT: "600" });
  expected = await Promise.all(texts.map((text) => nativeVector(service.url, "/encode_text", { text })));
  expectedPicture = await nativeVector(service.url, "/encode_image", { image_b64: picture.toString("base64") });
});
after(() => service.stop());

const same = (actual, wanted) => assert.ok(cosine([...actual], wanted) > 0.99999);

describe("openai", () => {
  const OpenAI = load("openai").default;
  const client = (options = {}) => new OpenAI({ baseURL: `${service.url}/v1`, apiKey: key, ...options });

  it("gets a batch of texts in order, as the base64 that it asks for by itself", async () => {
    const { data, model: served, usage } = await client().embeddings.create({ model, input: texts });
    assert.equal(served, model);
    assert.ok(usage.prompt_tokens > 0);
    data.forEach(({ embedding, index }, i) => {
      assert.equal(index, i);
      same(embedding, expected[i]);
    });
  });

  it("gets numbers, and a picture as a data URI", async () => {
    const input = [dataUri, texts[0]];
    const { data } = await client().embeddings.create({ model, input, encoding_format: "float" });
    same(data[0].embedding, expectedPicture);
    same(data[1].embedding, expected[0]);
  });

  it("hears of a bad picture, a wrong key and another model as its own errors, without trying again", async () => {
    const bad = client().embeddings.create({ model, input: [badDataUri] });
    await assert.rejects(bad, (error) => error instanceof OpenAI.BadRequestError && /input\[0\]/.test(error.message));
    const wrongKey = client({ apiKey: "wrong" }).embeddings.create({ model, input: "a" });
    await assert.rejects(wrongKey, OpenAI.AuthenticationError);
    const otherModel = client().embeddings.create({ model: "text-embedding-3-small", input: "a" });
    await assert.rejects(
      otherModel,
      (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found",
    );
  });

  it("lists the model", async () => {
    const { data } = await client().models.list();
    assert.deepEqual(
      data.map(({ id }) => id),
      [model],
    );
  });

  it("waits and tries again when it is told that it asks too often", async () => {
    const limited = await startService({ RATE_LIMIT: "60" });
    try {
      await useUp(limited.url);
      const patient = new OpenAI({ baseURL: `${limited.url}/v1`, apiKey: key, maxRetries: 3 });
      const { data } = await patient.embeddings.create({ model, input: texts[0] });
      same(data[0].embedding, expected[0]);
      await useUp(limited.url);
      const hasty = new OpenAI({ baseURL: `${limited.url}/v1`, apiKey: key, maxRetries: 0 });
      await assert.rejects(hasty.embeddings.create({ model, input: "a" }), OpenAI.RateLimitError);
    } finally {
      await limited.stop();
    }
  });
});

describe("@langchain/openai", () => {
  const { OpenAIEmbeddings } = load("@langchain/openai");
  const embeddings = (apiKey = key) =>
    new OpenAIEmbeddings({ model, apiKey, maxRetries: 0, configuration: { baseURL: `${service.url}/v1` } });

  it("gets a query and documents", async () => {
    same(await embeddings().embedQuery(texts[0]), expected[0]);
    (await embeddings().embedDocuments(texts)).forEach((vector, i) => {
      same(vector, expected[i]);
    });
  });

  it("gets a picture as a data URI, and hears of a bad one and of a wrong key", async () => {
    same(await embeddings().embedQuery(dataUri), expectedPicture);
    await assert.rejects(embeddings().embedQuery(badDataUri), /input/);
    await assert.rejects(embeddings("wrong").embedQuery("a"), /API key/);
  });
});

describe("@langchain/openai, told that it asks too often", () => {
  const { OpenAIEmbeddings } = load("@langchain/openai");

  it("waits and tries again", async () => {
    const limited = await startService({ RATE_LIMIT: "60" });
    try {
      await useUp(limited.url);
      const configuration = { baseURL: `${limited.url}/v1` };
      same(await new OpenAIEmbeddings({ model, apiKey: key, configuration }).embedQuery(texts[0]), expected[0]);
    } finally {
      await limited.stop();
    }
  });
});

describe("the AI SDK", () => {
  const { embed, embedMany } = load("ai");
  const { createOpenAICompatible } = load("@ai-sdk/openai-compatible");
  const modelFor = (apiKey = key) => {
    const provider = createOpenAICompatible({ name: "images-and-text", baseURL: `${service.url}/v1`, apiKey });
    return (provider.embeddingModel ?? provider.textEmbeddingModel)(model);
  };

  it("gets one text, many in order, and a picture", async () => {
    same((await embed({ model: modelFor(), value: texts[0] })).embedding, expected[0]);
    const { embeddings, usage } = await embedMany({ model: modelFor(), values: [...texts, dataUri] });
    [...expected, expectedPicture].forEach((vector, i) => {
      same(embeddings[i], vector);
    });
    assert.ok(usage.tokens > 0);
  });

  it("hears of a bad picture and of a wrong key, in our words", async () => {
    const attempt = (value, apiKey) => embed({ model: modelFor(apiKey), value, maxRetries: 0 });
    await assert.rejects(attempt(badDataUri), /Expected a JPEG/);
    await assert.rejects(attempt("a", "wrong"), /API key/);
  });

  it("waits and tries again when it is told that it asks too often", async () => {
    const limited = await startService({ RATE_LIMIT: "60" });
    try {
      await useUp(limited.url);
      const provider = createOpenAICompatible({ name: "limited", baseURL: `${limited.url}/v1`, apiKey: key });
      const limitedModel = (provider.embeddingModel ?? provider.textEmbeddingModel)(model);
      same((await embed({ model: limitedModel, value: texts[0], maxRetries: 3 })).embedding, expected[0]);
    } finally {
      await limited.stop();
    }
  });
});

describe("jina-ai-provider", () => {
  const { embedMany } = load("ai");
  const { createJina } = load("jina-ai-provider");

  it("gets texts, and pictures among them", async () => {
    const jina = createJina({ baseURL: `${service.url}/v1`, apiKey: key });
    const { embeddings } = await embedMany({ model: jina.textEmbeddingModel(model), values: texts });
    same(embeddings[1], expected[1]);
    const multimodal = jina.multiModalEmbeddingModel(model);
    const mixed = await multimodal.doEmbed({ values: [{ text: texts[0] }, { image: picture.toString("base64") }] });
    same(mixed.embeddings[0], expected[0]);
    same(mixed.embeddings[1], expectedPicture);
  });

  it("hears of a bad picture and of a wrong key, in our words", async () => {
    const attempt = (apiKey) => {
      const provider = createJina({ baseURL: `${service.url}/v1`, apiKey });
      return provider.multiModalEmbeddingModel(model).doEmbed({ values: [{ image: badDataUri }] });
    };
    await assert.rejects(attempt(key), /Expected a JPEG/);
    await assert.rejects(attempt("wrong"), /API key/);
  });

  it("waits and tries again when it is told that it asks too often", async () => {
    const limited = await startService({ RATE_LIMIT: "60" });
    try {
      await useUp(limited.url);
      const jina = createJina({ baseURL: `${limited.url}/v1`, apiKey: key });
      const { embeddings } = await embedMany({ model: jina.textEmbeddingModel(model), values: texts, maxRetries: 3 });
      same(embeddings[0], expected[0]);
    } finally {
      await limited.stop();
    }
  });
});

/** Weaviate is a server in Go: this is what its module multi2vec-clip sends. */
describe("Weaviate's multi2vec-clip", () => {
  const vectorize = (body, headers = { authorization: `Bearer ${key}` }) =>
    fetch(`${service.url}/vectorize`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  it("gets raw vectors of texts and pictures, bit for bit the same for the same picture", async () => {
    const b64 = picture.toString("base64");
    const { textVectors, imageVectors } = await (await vectorize({ texts, images: [b64, b64] })).json();
    textVectors.forEach((vector, i) => {
      same(vector, expected[i]);
      assert.ok(Math.abs(Math.hypot(...vector) - 1) > 1e-3);
    });
    same(imageVectors[0], expectedPicture);
    assert.deepEqual(imageVectors[0], imageVectors[1]);
  });

  it("hears of a bad picture and of a key that is missing", async () => {
    const bad = await vectorize({ texts: [], images: [Buffer.from("no image").toString("base64")] });
    assert.equal(bad.status, 415);
    assert.match((await bad.json()).error, /images\[0\]/);
    assert.equal((await vectorize({ texts: ["a"], images: [] }, {})).status, 401);
  });
});

describe("the AI SDK's Voyage provider", () => {
  const { embedMany } = load("ai");
  const { createVoyage } = load("voyage-ai-provider");
  const multimodal = (apiKey = key, url = service.url) =>
    createVoyage({ baseURL: `${url}/v1`, apiKey }).multimodalEmbeddingModel(model);

  /** Asks for texts, or for a picture: since version 4 a value is a text, and pictures stand in the options. */
  function embed({ words = [], picture, apiKey, url, ...options }) {
    const model = multimodal(apiKey, url);
    if (model.specificationVersion !== "v3") {
      const values = picture ? [{ image: [picture] }] : words.map((text) => ({ text: [text] }));
      return embedMany({ model, values, ...options });
    }
    if (!picture) return embedMany({ model, values: words, ...options });
    const content = [[{ type: "image_base64", image_base64: picture }]];
    return embedMany({ model, values: [""], providerOptions: { voyage: { content } }, ...options });
  }

  it("gets texts, and a picture", async () => {
    const { embeddings } = await embed({ words: texts });
    embeddings.forEach((vector, i) => {
      same(vector, expected[i]);
    });
    const pictures = await embed({ picture: dataUri });
    same(pictures.embeddings[0], expectedPicture);
  });

  it("hears of a bad picture and of a wrong key, in our words", async () => {
    const attempt = (apiKey) => embed({ picture: badDataUri, apiKey, maxRetries: 0 });
    await assert.rejects(attempt(), /Expected a JPEG/);
    await assert.rejects(attempt("wrong"), /API key/);
  });

  it("waits and tries again when it is told that it asks too often", async () => {
    const limited = await startService({ RATE_LIMIT: "60" });
    try {
      await useUp(limited.url);
      const { embeddings } = await embed({ words: texts, url: limited.url, maxRetries: 3 });
      same(embeddings[0], expected[0]);
    } finally {
      await limited.stop();
    }
  });
});

describe("the AI SDK's Cohere provider", () => {
  const { embedMany } = load("ai");
  const { createCohere } = load("@ai-sdk/cohere");
  const modelOf = (url, apiKey = key) => {
    const provider = createCohere({ baseURL: `${url}/v2`, apiKey });
    return (provider.embeddingModel ?? provider.textEmbeddingModel)(model);
  };

  it("gets texts in order, and hears of a wrong key", async () => {
    const { embeddings } = await embedMany({ model: modelOf(service.url), values: texts });
    embeddings.forEach((vector, i) => {
      same(vector, expected[i]);
    });
    const wrong = embedMany({ model: modelOf(service.url, "wrong"), values: texts, maxRetries: 0 });
    await assert.rejects(wrong, /API key/);
  });

  it("waits and tries again when it is told that it asks too often", async () => {
    const limited = await startService({ RATE_LIMIT: "60" });
    try {
      await useUp(limited.url);
      const { embeddings } = await embedMany({ model: modelOf(limited.url), values: texts, maxRetries: 3 });
      same(embeddings[0], expected[0]);
    } finally {
      await limited.stop();
    }
  });
});

describe("@huggingface/inference, as a client of Text Embeddings Inference", () => {
  const { InferenceClient } = load("@huggingface/inference");
  const client = (token = key) => new InferenceClient(token).endpoint(service.url);

  it("gets one text and many, and hears of a wrong key", async () => {
    same((await client().featureExtraction({ inputs: texts[0] }))[0], expected[0]);
    (await client().featureExtraction({ inputs: texts })).forEach((vector, i) => {
      same(vector, expected[i]);
    });
    await assert.rejects(client("wrong").featureExtraction({ inputs: texts }), /API key|401/);
  });

  it("has no retry, and hears 429 as its own error", async () => {
    const limited = await startService({ RATE_LIMIT: "60" });
    try {
      await useUp(limited.url);
      const hasty = new InferenceClient(key).endpoint(limited.url);
      const refused = (error) => error.httpResponse.status === 429; // It keeps no header of the reply.
      await assert.rejects(hasty.featureExtraction({ inputs: texts }), refused);
    } finally {
      await limited.stop();
    }
  });
});
