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

/** Pictures whose decoder differs from Pillow's, or that are shrunk while they are decoded; in mean grey levels. */
const meanErrors: Record<string, number> = {
  "large.jpg": 0.2,
  "shrunk.jpg": 0.3,
  "shrunk-6.jpg": 0.3,
  "rgb.avif": 2, // libheif interpolates colour in another way than libavif
  "rgba.avif": 2,
  "frames.avif": 2,
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
