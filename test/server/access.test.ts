import type { InjectOptions } from "fastify";
import { describe, expect, it } from "vitest";
import { clientAt, createRateLimit } from "../../src/server/rate-limit.ts";
import { testApp } from "../support/test-app.ts";

const encode: InjectOptions = { method: "POST", url: "/encode_text", payload: { text: "a" } };

describe("API keys", () => {
  const { app } = testApp({ apiKeys: ["first-key", "second-key"] });
  const status = async (headers: Record<string, string>, options = encode) =>
    (await app.inject({ ...options, headers })).statusCode;

  it("open the service as bearer or x-api-key", async () => {
    expect(await status({ authorization: "Bearer first-key" })).toBe(200);
    expect(await status({ authorization: "bearer second-key" })).toBe(200);
    expect(await status({ "x-api-key": "second-key" })).toBe(200);
  });

  it.each([
    {},
    { authorization: "Bearer first-ke" },
    { authorization: "Bearer first-keyy" },
    { authorization: "Basic first-key" },
    { authorization: "first-key" },
    { "x-api-key": "" },
    { "x-api-key": "First-key" },
    { "x-api-key": "first-key,second-key" },
  ])("are asked for: %o is refused", async (headers) => {
    const reply = await app.inject({ ...encode, headers });
    expect(reply.statusCode).toBe(401);
    expect(reply.headers["www-authenticate"]).toBe("Bearer");
    expect(reply.json()).toEqual({ success: false, error: expect.any(String), code: "UNAUTHORIZED" });
  });

  it("may hold any character that a client sends as UTF-8", async () => {
    const { app } = testApp({ apiKeys: ["schlüssel-🔑"] });
    const sent = (key: string) => ({ ...encode, headers: { "x-api-key": Buffer.from(key).toString("latin1") } });
    expect((await app.inject(sent("schlüssel-🔑"))).statusCode).toBe(200);
    expect((await app.inject(sent("schlussel-🔑"))).statusCode).toBe(401);
  });

  it("are asked for everywhere but at health checks and for the API document", async () => {
    for (const url of ["/", "/info", "/metrics", "/nope", "/health/nope", "/healthy"]) {
      expect(await status({}, { url })).toBe(401);
    }
    for (const url of ["/health", "/health/live", "/health/ready", "/openapi.json"])
      expect(await status({}, { url })).toBe(200);
  });
});

describe("the rate limit", () => {
  it("refuses with the time to wait, each client for itself, health checks never", async () => {
    const { app } = testApp({ rateLimit: 2, apiKeys: ["a", "b"] });
    const ask = (key: string) => app.inject({ ...encode, headers: { "x-api-key": key } });
    expect([await ask("a"), await ask("a")].map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    const refused = await ask("a");
    expect(refused.statusCode).toBe(429);
    expect(refused.json().code).toBe("RATE_LIMITED");
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(20);
    expect((await ask("b")).statusCode).toBe(200);
    for (let i = 0; i < 5; i++) expect((await app.inject("/health")).statusCode).toBe(200);
  });

  it("counts by address, and believes x-forwarded-for from trusted proxies only", async () => {
    const askFrom = (trustProxy: string[]) => {
      const { app } = testApp({ rateLimit: 1, trustProxy });
      return (client: string) =>
        app.inject({ ...encode, remoteAddress: "10.0.0.1", headers: { "x-forwarded-for": client } });
    };
    const naive = askFrom([]);
    await naive("1.1.1.1");
    expect((await naive("2.2.2.2")).statusCode).toBe(429);
    const behindProxy = askFrom(["10.0.0.0/8"]);
    await behindProxy("1.1.1.1");
    expect((await behindProxy("2.2.2.2")).statusCode).toBe(200);
    expect((await behindProxy("1.1.1.1")).statusCode).toBe(429);
    expect((await behindProxy("9.9.9.9, 1.1.1.1")).statusCode).toBe(429);
  });

  it.each([
    ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"],
    ["2001:db8::1", "2001:db8:0:0:a::"],
    ["::1", "::2"],
    ["fe80::1%eth0", "fe80::2%eth0"],
    ["[2001:db8::1]:4711", "2001:db8::2"],
    ["[2001:db8::1]", "[2001:db8::2]"],
    ["192.0.2.1:4711", "192.0.2.1:4712"],
    ["192.0.2.1:4711", "192.0.2.1"],
  ])("takes neighbours in one IPv6 network, and ports of one address, for one client: %s and %s", (one, other) => {
    expect(clientAt(one)).toBe(clientAt(other));
  });

  it.each([
    ["2001:db8:1:2::1", "2001:db8:1:3::1"],
    ["2001:db8::1", "2001:db8:0:1::1"],
    ["192.0.2.1", "192.0.2.2"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.2"],
    ["unknown", "2001:db8::1"],
    ["192.0.2.1:4711", "192.0.2.2:4711"],
    ["[2001:db8::1]:4711", "[2001:db8:0:1::1]:4711"],
  ])("tells others apart: %s and %s", (one, other) => {
    expect(clientAt(one)).not.toBe(clientAt(other));
  });

  it("cannot be dodged with a network's many addresses", async () => {
    const { app } = testApp({ rateLimit: 1 });
    const ask = (remoteAddress: string) => app.inject({ ...encode, remoteAddress });
    expect((await ask("2001:db8:1:2::1")).statusCode).toBe(200);
    expect((await ask("2001:db8:1:2::2")).statusCode).toBe(429);
    expect((await ask("2001:db8:1:3::1")).statusCode).toBe(200);
  });

  it("grants anew over a minute, up to its number", () => {
    let now = 0;
    const take = createRateLimit({ rateLimit: 60, rateLimitClients: 10 }, () => now);
    const taken = () => {
      let count = 0;
      try {
        for (;;) {
          take("client");
          count++;
        }
      } catch {
        return count;
      }
    };
    expect(taken()).toBe(60);
    now += 10_000;
    expect(taken()).toBe(10);
    now += 3_600_000;
    expect(taken()).toBe(60);
    now += 500;
    expect(() => take("client")).toThrow(expect.objectContaining({ code: "RATE_LIMITED", retryAfterSeconds: 1 }));
  });
});

describe("CORS", () => {
  const preflight = (origin: string): InjectOptions => ({
    method: "OPTIONS",
    url: "/encode_text",
    headers: { origin, "access-control-request-method": "POST" },
  });

  it("is off by default", async () => {
    const { app } = testApp();
    expect(
      (await app.inject(preflight("https://app.example.com"))).headers["access-control-allow-origin"],
    ).toBeUndefined();
  });

  it("lets listed origins in, before any key is asked for", async () => {
    const { app } = testApp({ corsOrigins: ["https://app.example.com"], apiKeys: ["a"] });
    const allowed = await app.inject(preflight("https://app.example.com"));
    expect(allowed.statusCode).toBe(204);
    expect(allowed.headers["access-control-allow-origin"]).toBe("https://app.example.com");
    expect(allowed.headers["access-control-allow-headers"]).toContain("authorization");
    expect(allowed.headers.vary).toBe("origin");
    for (const origin of [
      "https://evil.example.com",
      "http://app.example.com",
      "https://app.example.com.evil.org",
      "null",
    ]) {
      expect((await app.inject(preflight(origin))).headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  it("shows pages the headers of replies, errors too", async () => {
    const { app } = testApp({ corsOrigins: ["*"] });
    const reply = await app.inject({ ...encode, payload: {}, headers: { origin: "https://anywhere.example.com" } });
    expect(reply.statusCode).toBe(400);
    expect(reply.headers["access-control-allow-origin"]).toBe("*");
    expect(reply.headers["access-control-expose-headers"]).toContain("x-model");
  });
});
