import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { imageSize } from "../../src/server/image-size.ts";
import { golden } from "../support/tiny-model.ts";

const picture = sharp({ create: { width: 301, height: 77, channels: 3, background: "#336699" } });

describe("the size that an image states", () => {
  it.each([
    ["JPEG", () => picture.clone().jpeg().toBuffer()],
    ["progressive JPEG", () => picture.clone().jpeg({ progressive: true }).toBuffer()],
    [
      "JPEG with EXIF",
      () =>
        picture
          .clone()
          .withExif({ IFD0: { Copyright: "x".repeat(500) } })
          .jpeg()
          .toBuffer(),
    ],
    ["PNG", () => picture.clone().png().toBuffer()],
    ["WebP", () => picture.clone().webp().toBuffer()],
    ["lossless WebP", () => picture.clone().webp({ lossless: true }).toBuffer()],
    [
      "WebP with EXIF",
      () =>
        picture
          .clone()
          .withExif({ IFD0: { Copyright: "x" } })
          .webp()
          .toBuffer(),
    ],
    ["GIF", () => picture.clone().gif().toBuffer()],
  ])("is read from %s", async (_format, encode) => {
    expect(imageSize(await encode())).toEqual({ width: 301, height: 77 });
  });

  it("is unknown for other formats, and for files that end too early", async () => {
    expect(imageSize(await picture.clone().tiff().toBuffer())).toBeUndefined();
    const photo = readFileSync(join(golden, "images/photo.jpg"));
    for (let length = 0; length < 200; length++) expect(() => imageSize(photo.subarray(0, length))).not.toThrow();
  });
});
