import { describe, expect, it } from "vitest";
import { testApp } from "../support/test-app.ts";

const { app, encoder } = testApp({ maxBatchItems: 3, maxImageBytes: 2000 });
const url = "/encode_image";
const json = (payload: object) => app.inject({ method: "POST", url, payload });
const send = (payload: Buffer | string, type: string, query = "") =>
  app.inject({ method: "POST", url: url + query, payload, headers: { "content-type": type } });
const base64 = (length: number) => Buffer.alloc(length, 7).toString("base64");

interface Part {
  name: string;
  value: string | Buffer;
  fileName?: string;
  type?: string;
}

function form(parts: Part[], { end = "--B--\r\n" } = {}) {
  const pieces = parts.flatMap(({ name, value, fileName, type }) => [
    `--B\r\ncontent-disposition: form-data; name="${name}"${fileName ? `; filename="${fileName}"` : ""}\r\n`,
    `${type ? `content-type: ${type}\r\n` : ""}\r\n`,
    value,
    "\r\n",
  ]);
  const body = Buffer.concat([...pieces, end].map((piece) => Buffer.from(piece)));
  return send(body, "multipart/form-data; boundary=B");
}

const file = (length: number): Part => ({ name: "file", value: Buffer.alloc(length, 13), fileName: "x.jpg" });

describe("POST /encode_image with JSON", () => {
  it("answers one image with exactly success, dimensions and embedding", async () => {
    const reply = await json({ image_b64: base64(9) });
    expect(reply.statusCode).toBe(200);
    expect(Object.keys(reply.json())).toEqual(["success", "dimensions", "embedding"]);
    expect(reply.json().embedding[0]).toBe(9);
  });

  it("hands a URL to the encoder", async () => {
    expect((await json({ image_url: "https://example.com/x.jpg", image_b64: null })).statusCode).toBe(200);
    expect(encoder.images.at(-1)).toEqual([{ url: "https://example.com/x.jpg" }]);
  });

  it("takes a data URI where a URL goes, and an empty string for nothing", async () => {
    const dataUri = `data:image/png;base64,${base64(4)}`;
    expect((await json({ image_url: dataUri })).json().embedding[0]).toBe(4);
    expect((await json({ images: [{ url: dataUri }] })).json().embeddings[0][0]).toBe(4);
    expect((await json({ image_url: "", image_b64: base64(5) })).json().embedding[0]).toBe(5);
    expect((await json({ image_url: "", image_b64: "" })).json().error).toContain("the request has none");
  });

  it("answers several images in their order", async () => {
    const images = [
      { b64: base64(3) },
      { url: "https://example.com/x.jpg" },
      { b64: `data:image/png;base64,${base64(2)}` },
    ];
    const body = (await json({ images, normalize: false })).json();
    expect(Object.keys(body)).toEqual(["success", "dimensions", "embeddings"]);
    expect(body.embeddings.map(([length]: number[]) => length)).toEqual([3, 0, 2]);
    expect(encoder.options.at(-1)!.normalize).toBe(false);
  });

  it.each([
    [
      "no image",
      {},
      400,
      "INVALID_REQUEST",
      "Exactly one of image_url, image_b64 and images is expected; the request has none",
    ],
    ["two images", { image_url: "https://a/", image_b64: "QUJD" }, 400, "INVALID_REQUEST", "the request has 2"],
    [
      "an item with two sources",
      { images: [{ b64: "QUJD" }, { url: "https://a/", b64: "QUJD" }] },
      400,
      "INVALID_REQUEST",
      "images[1]: Exactly one of url and b64",
    ],
    ["an item with none", { images: [{}] }, 400, "INVALID_REQUEST", "images[0]"],
    [
      "an item with an unknown field",
      { images: [{ base64: "QUJD" }] },
      400,
      "INVALID_REQUEST",
      'images[0] has an unknown field "base64"',
    ],
    ["broken base64", { image_b64: "QUJ%" }, 400, "INVALID_BASE64", "base64"],
    ["broken base64 among others", { images: [{ b64: "QUJD" }, { b64: "Q" }] }, 400, "INVALID_BASE64", "images[1]: "],
    ["an image of too many bytes", { image_b64: base64(2001) }, 413, "IMAGE_TOO_LARGE", "2000 bytes"],
    ["too many images", { images: Array(4).fill({ b64: "QUJD" }) }, 413, "BATCH_TOO_LARGE", "at most 3"],
    ["no images", { images: [] }, 400, "INVALID_REQUEST", "no image"],
  ])("refuses %s", async (_what, payload, status, code, sentence) => {
    const reply = await json(payload);
    expect(reply.statusCode).toBe(status);
    expect(reply.json()).toEqual({ success: false, error: expect.stringContaining(sentence), code });
  });
});

describe("POST /encode_image with the image itself", () => {
  it.each(["image/jpeg", "image/x-whatever", "application/octet-stream"])("reads %s", async (type) => {
    const reply = await send(Buffer.alloc(11), type);
    expect(reply.statusCode).toBe(200);
    expect(Object.keys(reply.json())).toEqual(["success", "dimensions", "embedding"]);
    expect(reply.json().embedding[0]).toBe(11);
    expect(encoder.options.at(-1)!.normalize).toBe(true);
  });

  it.each(["binary/octet-stream", "application/x-www-form-urlencoded", "text/plain", "", undefined])(
    "reads an image whose content type is %s",
    async (type) => {
      const headers = type === undefined ? {} : { "content-type": type };
      const reply = await app.inject({ method: "POST", url, payload: Buffer.alloc(11), headers });
      expect([reply.statusCode, reply.json().embedding?.[0]]).toEqual([200, 11]);
    },
  );

  it("says what it reads where a body is none of it", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      const { error } = (await send('{"image_url": "https://example.com/"}', type)).json();
      expect(error).toContain("application/json");
      expect(error).toContain("image/*");
    }
    expect((await send("hello", "image/png")).json().code).toBe("IMAGE_UNSUPPORTED");
    const inJson = await json({ image_b64: Buffer.from("hello").toString("base64") });
    expect(inJson.json().code).toBe("IMAGE_UNSUPPORTED");
  });

  it("refuses a request without a body", async () => {
    const reply = await app.inject({ method: "POST", url });
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toEqual({
      success: false,
      error: expect.stringContaining("no body"),
      code: "INVALID_REQUEST",
    });
  });

  it("takes normalize from the query", async () => {
    await send(Buffer.alloc(11), "image/png", "?normalize=false");
    expect(encoder.options.at(-1)!.normalize).toBe(false);
    expect((await send(Buffer.alloc(11), "image/png", "?normalize=no")).json().code).toBe("INVALID_REQUEST");
  });

  it.each([
    ["an empty one", Buffer.alloc(0), "image/png", 422, "IMAGE_UNREADABLE"],
    ["one of too many bytes", Buffer.alloc(2001), "image/png", 413, "IMAGE_TOO_LARGE"],
    ["text", "hello", "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["a form that is not multipart", "a=b", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"],
  ])("refuses %s", async (_what, payload, type, status, code) => {
    const reply = await send(payload, type);
    expect(reply.statusCode).toBe(status);
    expect(reply.json()).toMatchObject({ success: false, code });
  });
});

describe("POST /encode_image with a form", () => {
  it("answers one file with embedding", async () => {
    const reply = await form([file(5), { name: "normalize", value: "false" }]);
    expect(reply.statusCode).toBe(200);
    expect(Object.keys(reply.json())).toEqual(["success", "dimensions", "embedding"]);
    expect(reply.json().embedding[0]).toBe(5);
    expect(encoder.options.at(-1)!.normalize).toBe(false);
  });

  it("answers several files with embeddings, in their order, and leaves their bytes alone", async () => {
    const value = Buffer.from("\r\n--B\r\nnot a boundary: --Bx\r\n--", "latin1").subarray(6);
    const reply = await form([file(700), { name: "photo", value, type: "image/png" }, file(2)]);
    expect(reply.json().embeddings.map(([length]: number[]) => length)).toEqual([700, value.length, 2]);
    expect(encoder.images.at(-1)![1]).toEqual(value);
  });

  it.each([
    ["no file", [{ name: "normalize", value: "true" }], 400, "INVALID_REQUEST", "no image"],
    ["an unknown field", [file(5), { name: "note", value: "x" }], 400, "INVALID_REQUEST", "if wanted, the fields"],
    [
      "normalize that is neither",
      [file(5), { name: "normalize", value: "1" }],
      400,
      "INVALID_REQUEST",
      "true or false",
    ],
    ["too many files", [file(1), file(1), file(1), file(1)], 413, "BATCH_TOO_LARGE", "At most 3 files"],
    ["too many fields", Array(20).fill({ name: "normalize", value: "true" }), 400, "INVALID_REQUEST", "malformed"],
    ["an empty file among others", [file(1), { ...file(0) }], 422, "IMAGE_UNREADABLE", "files[1]: IMAGE_UNREADABLE"],
    ["a file of too many bytes", [file(2001)], 413, "IMAGE_TOO_LARGE", "IMAGE_TOO_LARGE"],
  ])("refuses %s", async (_what, parts, status, code, sentence) => {
    const reply = await form(parts);
    expect(reply.statusCode).toBe(status);
    expect(reply.json()).toEqual({ success: false, error: expect.stringContaining(sentence), code });
  });

  it("refuses a form that breaks off or has no boundary", async () => {
    for (const reply of [
      await form([file(50)], { end: "" }),
      await form([], { end: "" }),
      await send("x", "multipart/form-data"),
      await send("--B\r\n\r\n", "multipart/form-data; boundary=B"),
    ]) {
      expect(reply.statusCode).toBe(400);
      expect(reply.json().code).toBe("INVALID_REQUEST");
    }
  });
});
