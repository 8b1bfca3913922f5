import { describe, expect, it } from "vitest";
import { imageOf } from "../../src/server/images.ts";

const limits = { maxImageBytes: 100 };
const bytes = Buffer.from("picture");
const b64 = bytes.toString("base64");
const dataUri = `data:image/png;base64,${b64}`;

describe("an image of a request", () => {
  it("is taken as it is, if it came as bytes", async () => {
    expect(await imageOf({ bytes }, limits)).toBe(bytes);
  });

  it.each([
    { b64 },
    { b64: dataUri },
    { url: dataUri },
    { url: ` \n${dataUri}` },
    { either: b64 },
    { either: dataUri },
  ])("is decoded, if it came as %o", async (source) => {
    expect(await imageOf(source, limits)).toEqual(bytes);
  });

  it.each([
    { url: "https://example.com/x.jpg" },
    { url: "nonsense" }, // The fetcher refuses it with its own sentence.
    { either: "http://example.com/x.jpg" },
    { either: "ftp://example.com/x.jpg" },
  ])("stays a URL, if it came as %o", async (source) => {
    expect(await imageOf(source, limits)).toEqual({ url: Object.values(source)[0] });
  });

  it("is refused before it is decoded, if it is too large", async () => {
    const large = { b64: Buffer.alloc(101).toString("base64") };
    await expect(imageOf(large, limits)).rejects.toThrow("larger than 100 bytes");
  });
});
