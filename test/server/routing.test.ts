import { describe, expect, it } from "vitest";
import { testApp } from "../support/test-app.ts";

const { app } = testApp();

describe("any reply", () => {
  it.each([
    ["GET", "/nope", 404, "NOT_FOUND"],
    ["POST", "/encode_text/", 404, "NOT_FOUND"],
    ["GET", "/%zz", 400, "INVALID_REQUEST"],
    ["GET", "/encode_text", 405, "METHOD_NOT_ALLOWED"],
    ["DELETE", "/encode_image", 405, "METHOD_NOT_ALLOWED"],
    ["HEAD", "/encode_image", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/health", 405, "METHOD_NOT_ALLOWED"],
    ["QUERY", "/health", 405, "METHOD_NOT_ALLOWED"],
  ] as const)("to %s %s is %i in the shape of errors", async (method, url, status, code) => {
    const reply = await app.inject({ method, url });
    expect(reply.statusCode).toBe(status);
    expect(reply.headers["x-request-id"]).toBeDefined();
    if (method !== "HEAD") expect(reply.json()).toEqual({ success: false, error: expect.any(String), code });
  });

  it("to a wrong method does not look at the body", async () => {
    const headers = { "content-type": "application/xml" };
    const reply = await app.inject({ method: "PUT", url: "/encode_text", headers, payload: "<a/>" });
    expect(reply.statusCode).toBe(405);
  });

  it("to a wrong method names the right ones, and so does OPTIONS", async () => {
    const wrong = await app.inject({ method: "PUT", url: "/encode_text?x=1" });
    expect(wrong.headers.allow).toBe("POST, OPTIONS");
    const options = await app.inject({ method: "OPTIONS", url: "/health" });
    expect(options.statusCode).toBe(204);
    expect(options.headers.allow).toBe("GET, HEAD, OPTIONS");
    expect((await app.inject({ method: "OPTIONS", url: "/nope" })).statusCode).toBe(404);
  });

  it("carries the request id of its request if that is fit for a log, or one of its own", async () => {
    const idOf = async (id?: string) =>
      (await app.inject({ url: "/health/live", headers: id === undefined ? {} : { "x-request-id": id } })).headers[
        "x-request-id"
      ];
    expect(await idOf("abc-123.def:4/5+6=")).toBe("abc-123.def:4/5+6=");
    for (const id of [undefined, "", "a b", "{x}", '"', "x".repeat(129), "é"]) {
      expect(await idOf(id)).toMatch(/^[0-9a-f]{8}-/);
    }
  });
});

describe("a body", () => {
  const post = (payload: string, type = "application/json") =>
    app.inject({ method: "POST", url: "/encode_text", payload, headers: { "content-type": type } });

  it.each([
    ["empty", ""],
    ["cut", '{"text": "a"'],
    ["not quoted", "{text: 1}"],
    ["two values", "{} {}"],
  ])("of JSON that is %s is INVALID_JSON", async (_what, payload) => {
    const reply = await post(payload);
    expect(reply.statusCode).toBe(400);
    expect(reply.json().code).toBe("INVALID_JSON");
  });

  it("of JSON that is broken is not quoted in the answer", async () => {
    expect((await post('{"text": secret}')).body).not.toContain("secret");
  });

  it("may say its charset", async () => {
    expect((await post('{"text": "ä"}', "application/json; charset=utf-8")).statusCode).toBe(200);
  });
});
