import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { createPreprocessor } from "../../src/image/preprocess.ts";

const folder = resolve(import.meta.dirname, "../fixtures/inputs");
const read = (file: string) => readFileSync(resolve(folder, file));

/** People sent these files in the wild; here they are as the service would see them, and how they look. */
const pictures: [file: string, shows: string, greyLevels: number][] = [
  ["bmp-offset-0.bmp", "reference-61x47.png", 0],
  ["bmp-gimp-24bit-v5-bitfields.bmp", "reference-61x47.png", 0],
  ["bmp-last-row-unpadded.bmp", "reference-61x47.png", 0],
  ["avif-420-100x75.avif", "avif-420-100x75-as-pillow.png", 0.6],
  ["tiff-rgb-nir-unspecified-extra.tif", "reference-64x48.png", 0],
  ["tiff-lab-8bit.tif", "reference-64x48.png", 1.5],
  ["png-exif-orientation6-after-idat.png", "reference-64x48.png", 0],
];

describe.each(pictures)("%s", (file, shows, greyLevels) => {
  it.each([
    ["without a background", null],
    ["over white", [255, 255, 255] as const],
  ])(`shows ${shows} %s`, async (_name, background) => {
    const preprocess = createPreprocessor({ size: 40, resize: 44, background }, { maxImagePixels: 1_000_000 });
    const [got, expected] = await Promise.all([preprocess(read(file)), preprocess(read(shows))]);
    const error = got.data.reduce((sum, value, i) => sum + Math.abs(value - expected.data[i]!), 0) / got.data.length;
    expect(error).toBeLessThanOrEqual(greyLevels);
  });
});
