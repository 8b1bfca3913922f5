import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { createPlainPreprocessor, isSmallJpeg, mostSmallBytes } from "../../src/image/plain-jpeg.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";

const spec = { size: 32, resize: 40, background: null };
const limits = { maxImagePixels: 10_000_000 };

/** Draws stripes, which compress to little. */
function picture(width: number, height: number) {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => ((at >> 4) * 37) & 255);
  return sharp(data, { raw: { width, height, channels: 3 } });
}

describe("the plain preprocessor", () => {
  it.each([1, 3, 6, 8])("puts into a place what it would give otherwise, turned by EXIF's %i", async (orientation) => {
    const file = await picture(90, 60).withMetadata({ orientation }).jpeg().toBuffer();
    const preprocess = createPlainPreprocessor(spec, limits);
    const place = new Uint8Array(32 * 32 * 3 + 2).fill(7);
    const pixels = preprocess(file, place.subarray(1, -1));
    const [first, ...rest] = place;
    expect([first, rest.pop()]).toEqual([7, 7]);
    expect(Buffer.from(rest)).toEqual(Buffer.from(pixels!));
    const { data } = await createPreprocessor(spec, limits)(file);
    expect(Buffer.from(rest)).toEqual(Buffer.from(data));
  });

  it("gives nothing for a file that is not whole, and for none that is no JPEG", async () => {
    const preprocess = createPlainPreprocessor(spec, limits);
    const file = await picture(90, 60).jpeg().toBuffer();
    expect(preprocess(file.subarray(0, file.length - 200))).toBeUndefined();
    expect(preprocess(await picture(90, 60).png().toBuffer())).toBeUndefined();
    expect(preprocess(file)).toBeDefined();
  });
});

describe("a small JPEG", () => {
  it("is a sequential one of a megapixel at most", async () => {
    expect(isSmallJpeg(await picture(90, 60).jpeg().toBuffer())).toBe(true);
    expect(isSmallJpeg(await picture(1024, 1024).jpeg({ quality: 50 }).toBuffer())).toBe(true);
    expect(isSmallJpeg(await picture(1024, 1025).jpeg({ quality: 50 }).toBuffer())).toBe(false);
    expect(isSmallJpeg(await picture(90, 60).jpeg({ progressive: true }).toBuffer())).toBe(false);
    expect(isSmallJpeg(await picture(90, 60).png().toBuffer())).toBe(false);
    expect(isSmallJpeg(new Uint8Array())).toBe(false);
  });

  it.each([
    [4096, 8],
    [8, 4096],
  ])("has sides like %i x %i at most", async (width, height) => {
    expect(isSmallJpeg(await picture(width, height).jpeg().toBuffer())).toBe(true);
    expect(
      isSmallJpeg(
        await picture(width + (width > 8 ? 1 : 0), height + (height > 8 ? 1 : 0))
          .jpeg()
          .toBuffer(),
      ),
    ).toBe(false);
  });

  it("is short", async () => {
    const file = await picture(90, 60).jpeg().toBuffer();
    const longer = (bytes: number) => Buffer.concat([file, Buffer.alloc(bytes - file.length)]);
    expect(isSmallJpeg(longer(mostSmallBytes))).toBe(true);
    expect(isSmallJpeg(longer(mostSmallBytes + 1))).toBe(false);
  });
});
