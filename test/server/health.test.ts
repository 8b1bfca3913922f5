import { describe, expect, it } from "vitest";
import { testApp } from "../support/test-app.ts";

describe("GET /health", () => {
  it("is exactly healthy or unhealthy", async () => {
    const { app, encoder } = testApp();
    const healthy = await app.inject("/health");
    expect([healthy.statusCode, healthy.body]).toEqual([200, '{"status":"healthy"}']);
    encoder.healthy = false;
    const unhealthy = await app.inject("/health");
    expect([unhealthy.statusCode, unhealthy.body]).toEqual([503, '{"status":"unhealthy"}']);
  });

  it("does not probe again at once after a failure", async () => {
    const { app, encoder } = testApp();
    encoder.healthy = false;
    for (let i = 0; i < 3; i++) expect((await app.inject("/health")).statusCode).toBe(503);
    expect(encoder.probes).toBe(1);
  });

  it("is unhealthy when the probe hangs", async () => {
    const { app, encoder } = testApp({ healthTimeoutMs: 50 });
    encoder.hold = new Promise(() => {});
    expect((await app.inject("/health")).statusCode).toBe(503);
  });

  it("is unhealthy when the probe throws", async () => {
    const { app, encoder } = testApp();
    encoder.isHealthy = () => Promise.reject(new Error("broken"));
    expect((await app.inject("/health")).body).toBe('{"status":"unhealthy"}');
  });
});

describe("GET /health/live and /health/ready", () => {
  it("do not depend on the encoder", async () => {
    const { app, encoder } = testApp();
    encoder.healthy = false;
    expect((await app.inject("/health/live")).statusCode).toBe(200);
    expect((await app.inject("/health/ready")).statusCode).toBe(200);
  });

  it("part ways when the service is stopping", async () => {
    const { app } = testApp();
    await app.ready();
    app.draining = true;
    expect((await app.inject("/health/live")).statusCode).toBe(200);
    expect((await app.inject("/health/ready")).statusCode).toBe(503);
  });
});
