import { once } from "node:events";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createAdminApp, createApp } from "../../src/server/app.ts";
import { fakeEncoder } from "../support/fake-encoder.ts";
import { listen } from "../support/loopback.ts";
import { rawConnection } from "../support/raw-http.ts";
import { testApp } from "../support/test-app.ts";

const encode = { method: "POST", url: "/encode_text" } as const;

describe("GET /info", () => {
  it("tells model, precision, limits and versions", async () => {
    const { app } = testApp({ maxBatchItems: 7 });
    expect((await app.inject("/info")).json()).toMatchObject({
      model: "fake-model",
      dimensions: 512,
      image: { precision: "fp32", size: 224 },
      text: { precision: "int8", maxTokens: 128 },
      limits: { maxBatchItems: 7, maxBodyBytes: 64 * 1024 * 1024 },
      versions: { service: "1.2.3", node: process.versions.node },
      features: { docs: true, index: false },
      buildId: expect.stringMatching(/^[0-9a-f]{16}$/),
      logit: null,
    });
  });

  it("shows a model's name as far as a header can hold it", async () => {
    const encoder = fakeEncoder();
    const manifest = { ...encoder.manifest, name: "modèle" };
    const app = createApp({
      encoder: { ...encoder, manifest },
      config: settingsWith(serviceSettings),
      metrics: createMetrics(),
      version: "1",
    });
    const { headers } = await app.inject("/info");
    expect(headers["x-model"]).toBe("mod?le");
  });
});

describe("GET /metrics", () => {
  it("counts requests by route and status, errors by code, and items", async () => {
    const { app } = testApp();
    await app.inject({ ...encode, payload: { texts: ["a", "b", "c".repeat(101)] } });
    await app.inject({ ...encode, payload: {} });
    await app.inject("/secret-path-of-a-scanner");
    const { body, headers } = await app.inject("/metrics");
    expect(headers["content-type"]).toContain("text/plain; version=0.0.4");
    const lines = body.split("\n");
    expect(lines).toContain(
      'encoder_requests_total{route="/encode_text",method="POST",status="200",protocol="native"} 1',
    );
    expect(lines).toContain(
      'encoder_requests_total{route="/encode_text",method="POST",status="400",protocol="native"} 1',
    );
    expect(lines).toContain('encoder_requests_total{route="unknown",method="GET",status="404",protocol="native"} 1');
    expect(lines).toContain('encoder_errors_total{code="INVALID_REQUEST"} 1');
    expect(lines).toContain('encoder_items_total{tower="text",protocol="native"} 3');
    expect(lines).toContain("encoder_truncated_texts_total 1");
    expect(lines).toContain("encoder_requests_in_flight 0");
    expect(lines).toContain("encoder_body_bytes_in_flight 0");
    expect(body).toMatch(/^encoder_model_info\{model="fake-model",.*version="1.2.3"\} 1$/m);
    expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(body).not.toContain("scanner");
  });

  it("counts what parts of the service did, alerts' counters from 0 on", async () => {
    const { app, metrics } = testApp();
    const before = (await app.inject("/metrics")).body.split("\n");
    expect(before).toContain('encoder_engine_deaths_total{tower="text"} 0');
    expect(before).toContain('encoder_decoder_ends_total{reason="crashed"} 0');
    expect(before).toContain("encoder_connections_dropped_total 0");
    metrics.observer.onEngineDeath!("text", "out of memory");
    metrics.observer.onDecoderEnd!("crashed");
    metrics.observer.onFetch!("ok");
    metrics.observer.onFetch!("URL_TIMEOUT");
    const after = (await app.inject("/metrics")).body.split("\n");
    expect(after).toContain('encoder_engine_deaths_total{tower="text"} 1');
    expect(after).toContain('encoder_decoder_ends_total{reason="crashed"} 1');
    expect(after).toContain('encoder_fetches_total{outcome="ok"} 1');
    expect(after).toContain('encoder_fetches_total{outcome="URL_TIMEOUT"} 1');
  });

  it("counts what never became a request", async () => {
    const { app, metrics } = testApp({ maxConnections: 1 });
    await app.ready();
    const port = await listen(app.server);
    const malformed = rawConnection(port);
    await once(malformed.socket, "connect");
    await rawConnection(port).closed; // one too many
    await malformed.send("no HTTP\r\n\r\n");
    expect((await malformed.reply())?.status).toBe(400);
    const text = await metrics.registry.metrics();
    expect(text).toContain('encoder_errors_total{code="INVALID_REQUEST"} 1\n');
    expect(text).toContain("encoder_connections_dropped_total 1\n");
  });

  it("tell how late the main thread is", async () => {
    const { body } = await testApp().app.inject("/metrics");
    expect(body).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m);
  });

  it("has a histogram of its own for each stage", async () => {
    const { app, metrics } = testApp();
    metrics.observer.onTimings!("image", { fetchMs: 30, decodeMs: 20, queueMs: 10, inferenceMs: 5 });
    metrics.observer.onTimings!("text", { tokenizeMs: 1, queueMs: 10, inferenceMs: 5 });
    metrics.observer.onBatch!("image", { size: 8, inferenceMs: 50 });
    const { body } = await app.inject("/metrics");
    for (const [name, sum] of [
      ["encoder_fetch_seconds_sum", 0.03],
      ["encoder_decode_seconds_sum", 0.02],
      ["encoder_tokenize_seconds_sum", 0.001],
      ['encoder_queue_seconds_sum{tower="image"}', 0.01],
      ['encoder_queue_seconds_sum{tower="text"}', 0.01],
      ['encoder_inference_seconds_sum{tower="image"}', 0.05],
      ['encoder_batch_size_sum{tower="image"}', 8],
    ]) {
      expect(body.split("\n")).toContain(`${name} ${sum}`);
    }
  });
});

describe("what operators read", () => {
  it("moves to the admin port", async () => {
    const config = { adminPort: 9000 };
    const { app, encoder, metrics } = testApp(config);
    const admin = createAdminApp({ encoder, metrics, config: settingsWith(serviceSettings, config), version: "1" });
    expect((await app.inject("/metrics")).statusCode).toBe(404);
    expect((await admin.inject("/metrics")).statusCode).toBe(200);
    expect((await app.inject("/openapi.json")).statusCode).toBe(200);
    expect((await admin.inject("/openapi.json")).statusCode).toBe(404);
    for (const path of ["/health", "/info"]) {
      expect((await app.inject(path)).statusCode).toBe(200);
      expect((await admin.inject(path)).statusCode).toBe(200);
    }
    expect((await admin.inject({ ...encode, payload: { text: "a" } })).statusCode).toBe(404);
  });

  it("can be closed", async () => {
    const { app } = testApp({ metrics: false, docs: false });
    for (const path of ["/metrics", "/openapi.json"]) expect((await app.inject(path)).statusCode).toBe(404);
    expect((await app.inject("/info")).statusCode).toBe(200);
  });
});

describe("the log", () => {
  it("has one line per request, without anything that was sent", async () => {
    const lines: string[] = [];
    const { app, encoder } = testApp(
      { apiKeys: ["key-secret"] },
      pino({ level: "trace" }, { write: (line) => lines.push(line) }),
    );
    const headers = { "x-request-id": "id-1", "x-api-key": "key-secret" };
    await app.inject({ ...encode, headers, payload: { text: "text-secret" } });
    await app.inject({ url: "/info?token=query-secret", headers });
    await app.inject({ ...encode, headers, payload: '{"text": "text-secret' });
    encoder.failure = Object.assign(new Error("why it broke"));
    await app.inject({ ...encode, headers, payload: { text: "text-secret" } });
    expect(lines.join("")).not.toContain("secret");
    const entries = lines.map((line) => JSON.parse(line));
    const requests = entries.filter(({ msg }) => msg === "request");
    expect(requests.map(({ requestId, route, status, code }) => [requestId, route, status, code])).toEqual([
      ["id-1", "/encode_text", 200, undefined],
      ["id-1", "/info", 200, undefined],
      ["id-1", "/encode_text", 415, "UNSUPPORTED_MEDIA_TYPE"],
      ["id-1", "/encode_text", 500, "INTERNAL"],
    ]);
    expect(entries.find(({ code, msg }) => code === "INTERNAL" && msg !== "request")).toMatchObject({
      requestId: "id-1",
      internal: "why it broke",
    });
  });
});
