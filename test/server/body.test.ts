import { describe, expect, it } from "vitest";
import { testApp } from "../support/test-app.ts";

const { app } = testApp();
const text = "Fahrräder €";
const json = JSON.stringify({ text });
const utf16 = (body: string, mark = "\ufeff") => Buffer.from(`${mark}${body}`, "utf16le");
const post = (payload: Buffer, charset?: string) => {
  const type = charset === undefined ? "application/json" : `application/json; charset=${charset}`;
  return app.inject({ method: "POST", url: "/encode_text", payload, headers: { "content-type": type } });
};

describe("a JSON body", () => {
  it.each([
    ["UTF-8", Buffer.from(json), undefined],
    ["UTF-8 with its name", Buffer.from(json), '"UTF-8"'],
    ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${json}`), undefined],
    ["windows-1252", Buffer.from(json.replace("€", "\x80"), "latin1"), "windows-1252"],
    ["ISO 8859-1", Buffer.from(json.replace("€", "\x80"), "latin1"), "ISO-8859-1"],
    ["little-endian UTF-16", utf16(json), "utf-16"],
    ["big-endian UTF-16", utf16(json).swap16(), "utf-16"],
  ])("is read in %s", async (_name, payload, charset) => {
    const reply = await post(payload, charset);
    expect(reply.statusCode).toBe(200);
    expect(reply.json().embedding[0]).toBe(text.length);
  });

  it.each([
    ["Latin-1 that says nothing of it", Buffer.from(json.replace("€", ""), "latin1"), undefined, 400, "not UTF-8"],
    ["a stray byte", Buffer.from('{"text": "a\xff"}', "latin1"), "utf-8", 400, "not UTF-8"],
    [
      "half of a surrogate pair as UTF-8",
      Buffer.from('{"text": "\xed\xa0\x80"}', "latin1"),
      undefined,
      400,
      "not UTF-8",
    ],
    ["UTF-16 without a byte order mark", utf16(json, ""), "utf-16", 400, "byte order mark"],
    ["UTF-16 that ends within a character", utf16(json).subarray(0, -1), "utf-16", 400, "not UTF-16"],
    ["a charset that is not read", Buffer.from(json), "shift_jis", 415, '"shift_jis"'],
  ])("is refused in %s", async (_name, payload, charset, status, sentence) => {
    const reply = await post(payload, charset);
    expect([reply.statusCode, reply.json().error]).toEqual([status, expect.stringContaining(sentence)]);
  });

  it("that is wrong behind a long string is refused with the place of the fault", async () => {
    const body = `{"image_b64": "${"QUJD".repeat(5000)}", oops}`;
    const reply = await post(Buffer.from(body));
    const place = `(at position ${body.indexOf("oops")})`;
    expect([reply.statusCode, reply.json().error]).toEqual([400, expect.stringContaining(place)]);
  });

  it("of UTF-16 is guarded against nesting, whatever its bytes look like", async () => {
    const reply = await post(utf16(`["∢", ${"[".repeat(100)}`), "utf-16");
    expect([reply.statusCode, reply.json().error]).toEqual([400, expect.stringContaining("nested deeper")]);
  });
});
