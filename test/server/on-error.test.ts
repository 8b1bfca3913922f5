import { describe, expect, it } from "vitest";
import { EncoderError } from "../../src/errors.ts";
import { testApp } from "../support/test-app.ts";

const { app, encoder } = testApp({ maxTextBytes: 100, maxImageBytes: 1024 });
const post = (url: string, payload: object) => app.inject({ method: "POST", url, payload });
const texts = (items: string[], on_error: string | null = "null") => post("/encode_text", { texts: items, on_error });
const b64 = (length: number) => Buffer.alloc(length, 1).toString("base64");

describe('a batch with "on_error": "null"', () => {
  it("has null in place of bad texts, and says why", async () => {
    const reply = await texts(["a", " ", "bbb", "x".repeat(101)]);
    expect(reply.statusCode).toBe(200);
    const { embeddings, errors, ...rest } = reply.json();
    expect(rest).toEqual({ success: true, dimensions: 512 });
    expect(embeddings.map((vector: number[] | null) => vector?.[0] ?? null)).toEqual([1, null, 3, null]);
    expect(errors).toEqual([
      { index: 1, code: "EMPTY_TEXT", error: expect.any(String) },
      { index: 3, code: "TEXT_TOO_LONG", error: expect.stringContaining("100 bytes") },
    ]);
  });

  it("has null in place of bad images, whether base64 or the encoder finds them bad", async () => {
    const images = [
      { b64: "%" },
      { b64: b64(7) },
      { b64: Buffer.from("hello").toString("base64") },
      { b64: b64(2000) },
    ];
    const { embeddings, errors } = (await post("/encode_image", { images, on_error: "null" })).json();
    expect(embeddings.map((vector: number[] | null) => vector?.[0] ?? null)).toEqual([null, 7, null, null]);
    expect(errors.map(({ index, code }: { index: number; code: string }) => [index, code])).toEqual([
      [0, "INVALID_BASE64"],
      [2, "IMAGE_UNSUPPORTED"],
      [3, "IMAGE_TOO_LARGE"],
    ]);
  });

  it("has no errors if nothing is bad, and no vectors if everything is", async () => {
    expect((await texts(["a"])).json()).toMatchObject({ errors: [] });
    const none = await texts([" ", ""]);
    expect([none.statusCode, none.json().dimensions, none.json().embeddings]).toEqual([200, 512, [null, null]]);
  });

  it("can be a form", async () => {
    const form = new FormData();
    form.append("on_error", "null");
    form.append("a", new Blob([Buffer.alloc(5, 1)]), "a.png");
    form.append("b", new Blob([]), "b.png");
    const encoded = new Response(form);
    const headers = { "content-type": encoded.headers.get("content-type")! };
    const payload = Buffer.from(await encoded.arrayBuffer());
    const { embeddings, errors } = (
      await app.inject({ method: "POST", url: "/encode_image", payload, headers })
    ).json();
    expect([embeddings[0][0], embeddings[1], errors[0].code]).toEqual([5, null, "IMAGE_UNREADABLE"]);
  });

  it("may be written as base64", async () => {
    const { embeddings } = (
      await post("/encode_text", { texts: ["a", ""], on_error: "null", encoding: "base64" })
    ).json();
    expect(embeddings).toEqual([expect.stringMatching(/^[\w+/]+=*$/), null]);
  });

  it("fails whole where the fault is no item's", async () => {
    encoder.failure = new EncoderError("OVERLOADED", "Too much.");
    expect((await texts(["a"])).statusCode).toBe(429);
    encoder.failure = undefined;
    const shape = await post("/encode_image", { images: [{ b64: b64(7) }, {}], on_error: "null" });
    expect([shape.statusCode, shape.json().code]).toEqual([400, "INVALID_REQUEST"]);
  });

  it("counts what was encoded, and no more", async () => {
    const { app } = testApp();
    await app.inject({ method: "POST", url: "/encode_text", payload: { texts: ["a", " ", "b"], on_error: "null" } });
    expect((await app.inject("/metrics")).body).toContain('encoder_items_total{tower="text",protocol="native"} 2\n');
  });
});

describe("on_error", () => {
  it('is "fail" by default: the whole batch fails, and no key is new', async () => {
    for (const word of [null, "fail"]) expect((await texts(["a", " "], word)).json().code).toBe("EMPTY_TEXT");
    expect(Object.keys((await texts(["a"], "fail")).json())).toEqual(["success", "dimensions", "embeddings"]);
  });

  it("is refused for a single item, and as any other word", async () => {
    for (const on_error of ["null", "fail"]) {
      const single = await post("/encode_text", { text: "a", on_error });
      expect([single.statusCode, single.json().error]).toEqual([400, expect.stringContaining("batches")]);
    }
    expect((await texts(["a"], "skip")).statusCode).toBe(400);
  });
});
