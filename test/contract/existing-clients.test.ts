import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createEncoder, type Encoder } from "../../src/encoder/encoder.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createApp } from "../../src/server/app.ts";
import { buildTinyModel, golden } from "../support/tiny-model.ts";

/**
 * What clients in the field rely on, with real vectors. Their JSON mappers reject unknown properties: so do these schemas.
 */
const vector = z.array(z.number()).length(512);
const one = z.strictObject({ success: z.literal(true), dimensions: z.literal(512), embedding: vector });
const many = z.strictObject({ success: z.literal(true), dimensions: z.literal(512), embeddings: z.array(vector) });
const failure = z.strictObject({
  success: z.literal(false),
  error: z.string().min(10),
  code: z.string().regex(/^[A-Z_0-9]+$/),
});

const reference: { texts: { text: string; embedding: number[] }[]; images: Record<string, number[]> } = JSON.parse(
  readFileSync(join(golden, "tiny/reference.json"), "utf8"),
);
const picture = (name: string) => readFileSync(join(golden, "images", name));
const photo = picture("photo.jpg");

let encoder: Encoder;
let app: FastifyInstance;

beforeAll(async () => {
  const model = await buildTinyModel();
  const config = settingsWith(serviceSettings, { model });
  encoder = await createEncoder({ model });
  app = createApp({ encoder, config, metrics: createMetrics(), version: "1.0.0" });
});
afterAll(async () => {
  await app?.close();
  await encoder?.close();
});

const post = (url: string, payload: object) => app.inject({ method: "POST", url, payload });
const encodeText = async (text: string, more = {}) => one.parse((await post("/encode_text", { text, ...more })).json());
const encodeImage = async (payload: object) => one.parse((await post("/encode_image", payload)).json()).embedding;
const length = (values: number[]) => Math.hypot(...values);
const cosine = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0) / (length(a) * length(b));

describe("POST /encode_text", () => {
  it("gives the reference's vector, of unit length", async () => {
    const { text, embedding: expected } = reference.texts[0]!;
    const { embedding } = await encodeText(text);
    expect(length(embedding)).toBeCloseTo(1, 5);
    expect(cosine(embedding, expected)).toBeGreaterThan(0.99999);
  });

  it("gives the raw vector where asked, as numbers of at most nine digits", async () => {
    const { text, embedding: expected } = reference.texts[1]!;
    const { body } = await post("/encode_text", { text, normalize: false });
    const { embedding } = one.parse(JSON.parse(body));
    expect(length(embedding)).toBeCloseTo(length(expected), 3);
    const numbers = body.slice(body.indexOf("[") + 1, body.indexOf("]")).split(",");
    for (const number of numbers) {
      expect(number.replace(/e.*$|[-.]/g, "").replace(/^0+/, "").length).toBeLessThanOrEqual(9);
      expect(String(Number(number))).toBe(number);
    }
  });

  it("gives many vectors in order, the same as one by one, and says when a text was cut", async () => {
    const texts = reference.texts.map(({ text }) => text);
    const reply = await post("/encode_text", { texts });
    const { embeddings } = many.parse(reply.json());
    expect(embeddings).toHaveLength(texts.length);
    for (const [i, text] of texts.entries()) expect((await encodeText(text)).embedding).toEqual(embeddings[i]);
    expect((await post("/encode_text", { text: "short" })).headers["x-truncated"]).toBeUndefined();
    expect((await post("/encode_text", { text: "long ".repeat(500) })).headers["x-truncated"]).toBe("true");
  });
});

describe("POST /encode_image", () => {
  it("gives the reference's vector, however the image comes", async () => {
    const base64 = photo.toString("base64");
    const plain = await encodeImage({ image_b64: base64 });
    expect(length(plain)).toBeCloseTo(1, 5);
    expect(cosine(plain, reference.images["photo.jpg"]!)).toBeGreaterThan(0.9999);
    expect(await encodeImage({ image_b64: base64.replace(/.{76}/g, "$&\n") })).toEqual(plain);
    expect(await encodeImage({ image_b64: `data:image/jpeg;base64,${base64}` })).toEqual(plain);
    const raw = await app.inject({
      method: "POST",
      url: "/encode_image",
      payload: photo,
      headers: { "content-type": "image/jpeg" },
    });
    expect(one.parse(raw.json()).embedding).toEqual(plain);
    const form = new FormData();
    form.append("file", new Blob([photo], { type: "image/jpeg" }), "photo.jpg");
    const encoded = new Response(form);
    const sent = await app.inject({
      method: "POST",
      url: "/encode_image",
      payload: Buffer.from(await encoded.arrayBuffer()),
      headers: { "content-type": encoded.headers.get("content-type")! },
    });
    expect(one.parse(sent.json()).embedding).toEqual(plain);
  });

  it("gives many vectors in order", async () => {
    const names = ["fish.gif", "photo.webp", "tall.jpg", "palette.png"];
    const images = names.map((name) => ({ b64: picture(name).toString("base64") }));
    const { embeddings } = many.parse((await post("/encode_image", { images })).json());
    names.forEach((name, i) => {
      expect(cosine(embeddings[i]!, reference.images[name]!)).toBeGreaterThan(0.999);
    });
  });
});

describe("every reply", () => {
  it("names the model and its request", async () => {
    const { headers } = await post("/encode_text", { text: "a" });
    expect(headers["x-model"]).toBe(encoder.manifest.name);
    expect(headers["x-request-id"]).toEqual(expect.any(String));
    expect(headers["server-timing"]).toMatch(/^tokenize;dur=[\d.]+, queue;dur=[\d.]+, inference;dur=[\d.]+$/);
    const image = await post("/encode_image", { image_b64: photo.toString("base64") });
    expect(image.headers["server-timing"]).toMatch(/^decode;dur=[\d.]+, queue;dur=[\d.]+, inference;dur=[\d.]+$/);
  });

  it.each([
    ["/encode_text", {}, 400, "INVALID_REQUEST"],
    ["/encode_text", { text: "" }, 400, "EMPTY_TEXT"],
    ["/encode_text", { text: ["a"] }, 400, "INVALID_REQUEST"],
    ["/encode_image", {}, 400, "INVALID_REQUEST"],
    ["/encode_image", { image_url: "https://example.com/", image_b64: "QUJD" }, 400, "INVALID_REQUEST"],
    ["/encode_image", { image_b64: "not base64!" }, 400, "INVALID_BASE64"],
    ["/encode_image", { image_b64: photo.subarray(0, 300).toString("base64") }, 422, "IMAGE_UNREADABLE"],
    ["/encode_image", { image_b64: Buffer.from("<svg/>").toString("base64") }, 415, "IMAGE_UNSUPPORTED"],
    ["/encode_image", { image_url: "http://127.0.0.1/x.jpg" }, 403, "URL_FORBIDDEN"],
    ["/encode_image", { image_url: "http://169.254.169.254/latest/meta-data" }, 403, "URL_FORBIDDEN"],
    ["/encode_image", { image_url: "file:///etc/passwd" }, 400, "URL_INVALID"],
    ["/encode_image", { image_url: "nonsense" }, 400, "URL_INVALID"],
    ["/nothing", { text: "a" }, 404, "NOT_FOUND"],
  ])("to a fault of the client is 4xx with sentence and code: %s %o", async (url, payload, status, code) => {
    const reply = await post(url, payload);
    expect(reply.statusCode).toBe(status);
    expect(failure.parse(reply.json()).code).toBe(code);
  });

  it("names the image that failed among several", async () => {
    const images = [{ b64: photo.toString("base64") }, { b64: "AAAA" }];
    const { error } = failure.parse((await post("/encode_image", { images })).json());
    expect(error).toMatch(/^images\[1\]: /);
  });
});

describe("GET /health", () => {
  it("is exactly healthy, by real inference", async () => {
    const reply = await app.inject("/health");
    expect([reply.statusCode, reply.body]).toEqual([200, '{"status":"healthy"}']);
  });
});
