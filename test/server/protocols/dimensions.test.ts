import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildModel } from "../../../src/build/build.ts";
import { createClient } from "../../../src/client/client.ts";
import { serviceSettings } from "../../../src/config/service.ts";
import { settingsWith } from "../../../src/config/setting.ts";
import { createEncoder, type Encoder } from "../../../src/encoder/encoder.ts";
import { createMetrics } from "../../../src/metrics.ts";
import { createApp } from "../../../src/server/app.ts";
import { pixel } from "../../../src/server/schemas.ts";
import { second, temporaryFolder } from "../../support/checkpoints.ts";

let encoder: Encoder;
let app: FastifyInstance;
const dimensions = 96;

beforeAll(async () => {
  const outDir = join(await temporaryFolder(), "model");
  const towers = { imageDir: join(second, "image"), textDir: join(second, "text") };
  await buildModel({ ...towers, outDir, name: "second", precision: "fp32" });
  encoder = await createEncoder({ model: outDir });
  const config = settingsWith(serviceSettings, { protocols: ["all"] });
  app = createApp({ encoder, config, metrics: createMetrics(), version: "1.2.3" });
});
afterAll(async () => {
  await app.close();
  await encoder.close();
});

const post = (url: string, payload: object) => app.inject({ method: "POST", url, payload });

/** Each protocol's way to ask for a number of dimensions, and where its answer has the vector. */
const askers: [string, (asked?: number) => object, string][] = [
  ["/v1/embeddings", (asked) => ({ input: "a", dimensions: asked }), "data.0.embedding"],
  ["/embed", (asked) => ({ inputs: "a", dimensions: asked }), "0"],
  ["/invoke", (asked) => ({ inputText: "a", embeddingConfig: { outputEmbeddingLength: asked } }), "embedding"],
  ["/v2/embed", (asked) => ({ texts: ["a"], output_dimension: asked }), "embeddings.float.0"],
  [
    "/v1/multimodalembeddings",
    (asked) => ({ inputs: [{ content: [{ type: "text", text: "a" }] }], output_dimension: asked }),
    "data.0.embedding",
  ],
];

/** Routes without such a field. */
const others: [string, object, string][] = [
  ["/encode_text", { text: "a" }, "embedding"],
  ["/encode_image", { image_b64: pixel }, "embedding"],
  ["/clip/embed_text", { text: "a" }, "embeddings.0"],
  ["/vectorize", { texts: ["a"], images: [] }, "textVectors.0"],
];

type Json = { [key: string]: Json };
const vectorIn = (body: Json, path: string) => path.split(".").reduce((value, key) => value[key]!, body);

describe("with a model of 96 dimensions", () => {
  it.each(askers)("%s takes its number or none, and refuses another with a sentence", async (url, body, path) => {
    for (const asked of [undefined, dimensions]) {
      const reply = await post(url, body(asked));
      expect(vectorIn(reply.json(), path)).toHaveLength(dimensions);
    }
    const refused = await post(url, body(512));
    expect([400, 422]).toContain(refused.statusCode);
    expect(refused.body).toContain("dimensions: the model gives 96, not 512.");
  });

  it.each(others)("%s gives as many", async (url, body, path) => {
    const reply = await post(url, body);
    expect(vectorIn(reply.json(), path)).toHaveLength(dimensions);
  });

  it("Immich's route gives as many, of a text and of an image", async () => {
    const predict = async (kind: string, name: string, value: string | Blob) => {
      const form = new FormData();
      form.append("entries", JSON.stringify({ clip: { [kind]: { modelName: "second" } } }));
      form.append(name, value);
      const sent = new Response(form);
      const headers = { "content-type": sent.headers.get("content-type")! };
      const payload = Buffer.from(await sent.arrayBuffer());
      return JSON.parse((await app.inject({ method: "POST", url: "/predict", headers, payload })).json().clip);
    };
    expect(await predict("textual", "text", "a")).toHaveLength(dimensions);
    expect(await predict("visual", "image", new Blob([Buffer.from(pixel, "base64")]))).toHaveLength(dimensions);
  });

  it("the service's descriptions of itself tell it", async () => {
    const get = async (url: string) => (await app.inject(url)).json();
    expect(await get("/info")).toMatchObject({ dimensions });
    expect(await get("/meta")).toMatchObject({ clip_model: { dimensions }, text_model: { dimensions } });
    expect((await app.inject("/metrics")).body).toContain('dimensions="96"');
  });

  it("the typed client gives vectors of that length", async () => {
    const client = createClient({ baseUrl: await app.listen({ port: 0, host: "127.0.0.1" }) });
    expect((await client.encodeText("a")).embedding).toHaveLength(dimensions);
    const { embeddings } = await client.encodeImages([{ b64: pixel }, Buffer.from(pixel, "base64")]);
    expect(embeddings.map((vector) => vector.length)).toEqual([dimensions, dimensions]);
  });
});
