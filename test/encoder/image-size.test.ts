import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type ImageSize, imageSize } from "../../src/encoder/image-size.ts";
import { decodeToRgb } from "../../src/image/decode.ts";
import { createHeicReader } from "../../src/image/heic.ts";
import { parityCorpus, parityFile } from "../support/parity-file.ts";
import { golden } from "../support/tiny-model.ts";

const photo = readFileSync(join(golden, "images/photo.jpg"));
const spec = { size: 16, resize: 16, background: null };
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

  it.each([
    ["AVIF", () => picture.clone().avif().toBuffer()],
    ["TIFF", () => picture.clone().tiff().toBuffer()],
    ["BigTIFF", () => picture.clone().tiff({ bigtiff: true }).toBuffer()],
  ])("is read from %s", async (_format, encode) => {
    expect(imageSize(await encode())).toEqual({ width: 301, height: 77 });
  });

  it("is that of the whole picture where HEIC consists of tiles, before it is turned", () => {
    expect(imageSize(parityFile("heic-grid-1").file)).toEqual({ width: 100, height: 80 });
  });

  it("is what the decoder finds, whatever the format, but for turning", async () => {
    const readHeic = createHeicReader();
    const sides = (size: ImageSize | undefined) => size && [size.width, size.height].sort((a, b) => a - b);
    const mismatches = [];
    for (const { name, file, plain } of parityCorpus) {
      if (!plain) continue;
      const raster = await decodeToRgb(file, spec, { maxImagePixels: 4_000_000, readHeic }).catch(() => undefined);
      if (!raster) continue;
      const [stated, found] = [sides(imageSize(file)), sides(raster)];
      if (`${stated}` !== `${found}`) mismatches.push(`${name}: ${stated}, ${found}`);
    }
    expect(mismatches).toEqual([]);
  });

  it("is unknown where a file ends before it says", () => {
    for (const file of [photo, parityFile("heic-grid-1").file]) {
      for (let length = 0; length < 400; length++) expect(() => imageSize(file.subarray(0, length))).not.toThrow();
    }
    expect(imageSize(photo.subarray(0, 20))).toBeUndefined();
  });
});
