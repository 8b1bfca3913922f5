import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { PixelSpec } from "../../src/image/pixels.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";

const folder = resolve(import.meta.dirname, "../fixtures/images");

/** Made by make.py in that folder: Pillow's pixels. */
interface Reference {
  image: string;
  spec: PixelSpec;
  pixels: string;
}
const references = JSON.parse(readFileSync(join(folder, "reference.json"), "utf8")) as Reference[];

/** The decoder of these pictures differs from Pillow's, by so many mean grey levels. */
const meanErrors: Record<string, number> = {
  "rgb.avif": 0.6,
  "rgba.avif": 0.6,
  "frames.avif": 0.6,
};

const limits = { maxImagePixels: 10_000_000 };

function meanError(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

describe("the preprocessor", () => {
  for (const { image, spec, pixels } of references) {
    const name = image.split("/").at(-1)!;
    const over = spec.background ? ` over ${spec.background}` : "";
    it(`gives Pillow's pixels for ${name}${over}`, async () => {
      const got = await createPreprocessor(spec, limits)(readFileSync(join(folder, image)));
      expect(got.size).toBe(spec.size);
      expect(got.data).toHaveLength(spec.size ** 2 * 3);
      expect(meanError(got.data, Buffer.from(pixels, "base64"))).toBeLessThanOrEqual(meanErrors[name] ?? 0);
    });
  }

  it("is checked against every picture of the folder", () => {
    const pictures = readdirSync(folder).filter((file) => !/\.(py|json)$/.test(file));
    expect(references.map(({ image }) => image)).toEqual(expect.arrayContaining(pictures));
  });
});

describe("a damaged image", () => {
  const spec = { size: 32, resize: 32, background: null };
  const strict = createPreprocessor(spec, limits);
  const lenient = createPreprocessor(spec, { ...limits, lenientImages: true });
  const photo = readFileSync(join(folder, "../golden/images/photo.jpg"));
  const badChecksum = readFileSync(join(folder, "../inputs/png-idat-bad-crc.png"));

  it("is refused by default", async () => {
    for (const file of [badChecksum, photo.subarray(0, -1000)]) {
      await expect(strict(file)).rejects.toMatchObject({ code: "IMAGE_UNREADABLE" });
    }
  });

  it("is decoded as far as it goes where that is asked for, which is said", async () => {
    const whole = await strict(readFileSync(join(folder, "../inputs/reference-64x48.png")));
    expect(await lenient(badChecksum)).toEqual({ ...whole, incomplete: true });
    const half = await lenient(photo.subarray(0, photo.length / 2));
    expect(half.incomplete).toBe(true);
    expect(Array.from(half.data.subarray(0, 30))).toEqual(Array.from((await strict(photo)).data.subarray(0, 30)));
    expect(Array.from(half.data.subarray(-3))).toEqual([128, 128, 128]); // what libjpeg puts where nothing is
    const bitmap = readFileSync(join(folder, "bits-24.bmp"));
    expect((await lenient(bitmap.subarray(0, 3000))).incomplete).toBe(true);
  });

  it("is said to be whole where it is", async () => {
    expect((await lenient(photo)).incomplete).toBeUndefined();
  });

  it("is refused all the same where nothing of it can be decoded", async () => {
    const deep = readFileSync(join(folder, "rgb-16.png"));
    for (const file of [deep.subarray(0, deep.length / 2), photo.subarray(0, 100), Buffer.from("BM")]) {
      await expect(lenient(file)).rejects.toMatchObject({ code: "IMAGE_UNREADABLE" });
    }
  });
});
