/** What the peers' own suites ask of a server, repeated from their sources: a script of theirs finds the same answers here. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { json } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { cosine, dataUri, model, picture, startService } from "./service.mjs";

let service;
let pictures;
let pictureUrl;

before(async () => {
  service = await startService({ API_KEYS: "", ALLOW_PRIVATE_URLS: "on" }); // the suites send no key
  pictures = createServer((_request, reply) => reply.setHeader("content-type", "image/jpeg").end(picture));
  await once(pictures.listen(0, "127.0.0.1"), "listening");
  pictureUrl = `http://127.0.0.1:${pictures.address().port}/sample.jpg`;
});
after(async () => {
  pictures.close();
  await service.stop();
});

const get = (path) => fetch(`${service.url}${path}`);
async function post(path, body) {
  const headers = { "content-type": "application/json" };
  return fetch(`${service.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** smoke_test.py of weaviate/multi2vec-clip-inference */
describe("Weaviate's smoke test", () => {
  it("finds the container ready, alive and described", async () => {
    assert.equal((await get("/.well-known/ready")).status, 204);
    assert.equal((await get("/.well-known/live")).status, 204);
    const meta = await get("/meta");
    assert.equal(meta.status, 200);
    assert.equal(typeof (await meta.json()).clip_model, "object");
  });

  for (const [texts, count] of [
    [["This is plane"], 1],
    [["This is plane", "Boeing 737", "Blue plane"], 2],
  ]) {
    it(`gets ${texts.length} and ${count} vectors`, async () => {
      const images = Array.from({ length: count }, () => picture.toString("base64"));
      const reply = await post("/vectorize", { texts, images });
      const { textVectors, imageVectors } = await reply.json();
      assert.equal(reply.status, 200);
      assert.deepEqual([textVectors.length, imageVectors.length], [texts.length, count]);
      for (const vector of [...textVectors, ...imageVectors]) assert.ok(vector.length > 100);
    });
  }
});

/** load_tests/load.js of huggingface/text-embeddings-inference, which k6 runs: one long text, again and again */
describe("the load test of Text Embeddings Inference", () => {
  const inputs = `A path from a point approximately 330 metres east ${"of the most south westerleasterly corner ".repeat(80)}`;

  it("gets 200 from POST / every time, and the times that it adds up", async () => {
    const replies = await Promise.all(Array.from({ length: 200 }, () => post("/", { inputs, truncate: true })));
    for (const reply of replies) {
      assert.equal(reply.status, 200);
      assert.equal((await reply.json()).length, 1);
      for (const name of ["total", "tokenization", "queue", "inference"]) {
        assert.match(reply.headers.get(`x-${name}-time`), /^\d+$/);
      }
    }
  });

  it("gets vectors, or hears when to come back, for each of 1,000 texts a second, of which no two are alike", async () => {
    // So little room that any machine must refuse some, and so much time that none is late.
    const busy = await startService({ API_KEYS: "", MAX_TEXT_QUEUE: "64", REQUEST_TIMEOUT_MS: "300000" });
    const agent = new Agent({ keepAlive: true, maxSockets: 500 });
    try {
      const asked = [];
      for (let sent = 0; sent < 2000; await setTimeout(50)) {
        // The number stands in front, since what is behind the model's 64 tokens is cut.
        for (const end = sent + 50; sent < end; sent++) asked.push(ask(busy.url, `${sent}. ${inputs}`, agent));
      }
      const counts = { 200: 0, 429: 0 };
      for (const { status, retryAfter, body } of await Promise.all(asked)) {
        counts[status]++;
        if (status === 200) assert.equal(body.length, 1);
        else assert.deepEqual([status, body.error_type, typeof body.error], [429, "Overloaded", "string"]);
        if (status === 429) assert.match(retryAfter, /^[1-9]\d*$/);
      }
      assert.ok(counts[200] > 0 && counts[429] > 0, JSON.stringify(counts));
    } finally {
      agent.destroy();
      await busy.stop();
    }
  });
});

/** Asks POST / over the agent's connections, of which fetch would open one for each request. */
async function ask(url, inputs, agent) {
  const asked = request(`${url}/`, { method: "POST", headers: { "content-type": "application/json" }, agent });
  asked.end(JSON.stringify({ inputs, truncate: true }));
  const [reply] = await once(asked, "response");
  return { status: reply.statusCode, retryAfter: reply.headers["retry-after"], body: await json(reply) };
}

/** tests/end_to_end of michaelfeil/infinity: those of models, embeddings and images */
describe("Infinity's suite", () => {
  const embed = async (body, path = "/embeddings") => {
    const reply = await post(path, { model, ...body });
    assert.equal(reply.status, 200);
    const { data, model: served, usage } = await reply.json();
    assert.equal(served, model);
    assert.ok(usage.total_tokens >= 0);
    for (const { object } of data) assert.equal(object, "embedding");
    return data.map(({ embedding }) => embedding);
  };

  it("finds the model, its figures and what it can do", async () => {
    const { data } = await (await get("/models")).json();
    assert.equal(data[0].id, model);
    assert.equal(typeof data[0].stats, "object");
    assert.ok(data[0].capabilities.includes("image_embed"));
  });

  it("gets a vector for each text, and the same numbers as base64", async () => {
    assert.equal((await embed({ input: "a image of a cat" })).length, 1);
    for (const input of [
      ["This is a test sentence."],
      ["This is a test sentence.", "This is another test sentence."],
    ]) {
      assert.equal((await embed({ input })).length, input.length);
    }
    const [numbers] = await embed({ input: "Hello World", encoding_format: "float" });
    const [text] = await embed({ input: "Hello World", encoding_format: "base64" });
    const bytes = Uint8Array.from(Buffer.from(text, "base64"));
    assert.deepEqual([...new Float32Array(bytes.buffer)], numbers.map(Math.fround));
  });

  it("gets images by URL and as data URIs, at both of its routes", async () => {
    for (const path of ["/embeddings_image", "/embeddings"]) {
      for (const count of [1, 2]) {
        const input = Array.from({ length: count }, () => pictureUrl);
        assert.equal((await embed({ input, modality: "image" }, path)).length, count);
      }
    }
    assert.equal((await embed({ input: pictureUrl }, "/embeddings_image")).length, 1);
    const [sent, fetched] = await embed({ input: [dataUri, pictureUrl] }, "/embeddings_image");
    assert.ok(cosine(sent, fetched) > 0.9999);
  });

  it("hears of an image that is not there, of no image and of no images", async () => {
    const missing = { model, input: "http://127.0.0.1:1/404.jpg" };
    for (const input of [missing.input, "htt://wrong.url/me.jpg", []]) {
      const { status } = await post("/embeddings_image", { model, input });
      assert.ok(status >= 400 && status < 500, `${input} was answered ${status}`);
    }
  });
});
