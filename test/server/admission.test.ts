import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { describe, expect, it, onTestFinished } from "vitest";
import { testApp } from "../support/test-app.ts";

const encode = { method: "POST", url: "/encode_text", payload: { text: "a" } } as const;

async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => app.close());
  return (app.server.address() as AddressInfo).port; // of a TCP server
}

describe("requests in flight", () => {
  it("are bounded in number, and a place is free again after the answer", async () => {
    const { app, encoder } = testApp({ maxInFlightRequests: 2 });
    let release = () => {};
    encoder.hold = new Promise((resolve) => {
      release = resolve;
    });
    const first = [app.inject(encode), app.inject(encode)];
    await app.inject("/health/live");
    const refused = await app.inject(encode);
    expect(refused.statusCode).toBe(429);
    expect(refused.headers["retry-after"]).toBe("1");
    expect(refused.json().code).toBe("OVERLOADED");
    release();
    expect((await Promise.all(first)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect((await app.inject(encode)).statusCode).toBe(200);
  });

  it("are bounded in bytes, while one that is alone always fits", async () => {
    const { app, encoder } = testApp({ maxInFlightBytes: 10_000 });
    const large = { ...encode, payload: { text: "x".repeat(20_000) } };
    const small = { ...encode, payload: { text: "x".repeat(4000) } };
    expect((await app.inject(large)).statusCode).toBe(200);
    let release = () => {};
    encoder.hold = new Promise((resolve) => {
      release = resolve;
    });
    const first = [app.inject(small), app.inject(small)];
    await app.inject("/health/live");
    expect((await app.inject(small)).json().code).toBe("OVERLOADED");
    release();
    await Promise.all(first);
    expect((await app.inject(small)).statusCode).toBe(200);
  });

  it("do not count what was only announced", async () => {
    const { app } = testApp({ maxInFlightBytes: 10_000 });
    const port = await listen(app);
    const headers = { "content-type": "application/json", "content-length": "9000" };
    const announced = httpRequest({ port, method: "POST", path: "/encode_text", headers });
    announced.on("error", () => {});
    announced.flushHeaders();
    await once(app.server, "request");
    expect((await app.inject({ ...encode, payload: { text: "x".repeat(5000) } })).statusCode).toBe(200);
    announced.destroy();
  });
});
