import { describe, expect, it } from "vitest";
import { testApp } from "../support/test-app.ts";

const encode = { method: "POST", url: "/encode_text", payload: { text: "a" } } as const;

describe("a request's deadline", () => {
  it("answers 504 and ends the work", async () => {
    const { app, encoder } = testApp({ requestTimeoutMs: 100 });
    encoder.hold = new Promise(() => {});
    const reply = await app.inject(encode);
    expect(reply.statusCode).toBe(504);
    expect(reply.json()).toEqual({
      success: false,
      error: expect.stringContaining("100 ms"),
      code: "DEADLINE_EXCEEDED",
    });
    expect(encoder.aborted).toHaveLength(1);
  });
});
