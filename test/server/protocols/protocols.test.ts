import { describe, expect, it } from "vitest";
import { protocolNames } from "../../../src/config/server.ts";
import { serviceSettings } from "../../../src/config/service.ts";
import { settingsWith } from "../../../src/config/setting.ts";
import { chosenProtocols } from "../../../src/server/protocols/protocols.ts";
import { testApp } from "../../support/test-app.ts";

describe("PROTOCOLS", () => {
  it("knows the name of each protocol", () => {
    expect(chosenProtocols(["all"]).map(({ name }) => name)).toEqual(protocolNames);
  });

  it("switches protocols off, whose routes then do not exist", async () => {
    const { app } = testApp({ protocols: ["tei"] });
    const embed = await app.inject({ method: "POST", url: "/embed", payload: { inputs: "a" } });
    expect(embed.statusCode).toBe(200);
    const other = await app.inject({ method: "POST", url: "/v1/embeddings", payload: { input: "a" } });
    expect([other.statusCode, other.json().code]).toEqual([404, "NOT_FOUND"]);
    const none = testApp({ protocols: ["none"] }).app;
    expect((await none.inject({ method: "POST", url: "/embed", payload: { inputs: "a" } })).statusCode).toBe(404);
  });

  it.each([["openai", "ollama"], ["all", "tei"], ["none", "tei"], []])("refuses %s %s", (...protocols) => {
    expect(() => settingsWith(serviceSettings, { protocols })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});

describe("every route that takes a POST", () => {
  it("is admitted before its body is read", async () => {
    const { app, encoder } = testApp({ maxInFlightRequests: 1 });
    encoder.hold = new Promise(() => {});
    void app.inject({ method: "POST", url: "/encode_text", payload: { text: "a" } });
    await app.inject("/health/live");
    const { paths } = (await app.inject("/openapi.json")).json();
    const posts = Object.keys(paths).filter((path) => paths[path].post);
    expect(posts.length).toBeGreaterThan(8);
    for (const url of posts) expect((await app.inject({ method: "POST", url })).statusCode).toBe(429);
  });
});

describe("a page of an allowed origin", () => {
  it("may send the headers that its SDK adds, and read those that we add", async () => {
    const { app } = testApp({ corsOrigins: ["https://app.example.com"] });
    const headers = {
      origin: "https://app.example.com",
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,x-stainless-lang",
    };
    const preflight = await app.inject({ method: "OPTIONS", url: "/v1/embeddings", headers });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers["access-control-allow-headers"]).toBe("content-type,x-stainless-lang");
    const exposed = String(preflight.headers["access-control-expose-headers"]).split(", ");
    expect(exposed).toEqual(expect.arrayContaining(["retry-after", "x-model", "x-truncated", "x-compute-tokens"]));
    const stranger = { ...headers, origin: "https://evil.example.com" };
    const refused = await app.inject({ method: "OPTIONS", url: "/v1/embeddings", headers: stranger });
    expect(refused.headers["access-control-allow-headers"]).toBeUndefined();
  });
});
