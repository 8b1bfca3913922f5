/**
 * `npm run bench:shrink` compares ways to shrink a JPEG while it is decoded with decoding it in full: for pictures with nasty
 * detail, the mean error in grey levels and the cosine of the embedded model's vectors, by how much larger than the target
 * the shrunk picture stays. It prints a table; docs/lab/service.md has the conclusion. It takes an hour of one core, or
 * minutes with --every 8, which takes only every eighth picture.
 */
import { parseArgs } from "node:util";
import sharp, { type KernelEnum } from "sharp";
import { createEncoder } from "../src/encoder/encoder.ts";
import { rowsOf } from "../src/image/raster.ts";
import { createResizer } from "../src/image/resize.ts";
import { draw, nastyPictures } from "./nasty-pictures.ts";
import { table } from "./report.ts";

const { values: flags } = parseArgs({
  options: {
    every: { type: "string", default: "1" },
    kernels: { type: "string", default: "cubic,lanczos3,mitchell" },
    sizes: { type: "string", default: "1000x1000,1152x1536,1600x1600,2000x2400,2688x2700,3000x4000,4000x6000" },
  },
});

/** libvips halves, quarters or eighths a JPEG for these, and shrinks by the odd rest (it insists on one) with a kernel. */
const factors = [3, 5, 9];
const kernels = flags.kernels.split(",") as (keyof KernelEnum)[];
const targets = [96, 224];
/** Lower bounds of how often the target fits into the shrunk picture. */
const bands = [1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8];

interface Measurement {
  factor: number;
  kernel: string;
  target: number;
  kept: number;
  picture: string;
  error: number;
  cosine: number;
}

sharp.cache(false);
sharp.concurrency(1);
const resize = createResizer();
const encoder = await createEncoder({ model: "everyday-mini" });
const measurements: Measurement[] = [];
const sizes = flags.sizes.split(",").map((size) => size.split("x").map(Number) as [number, number]);
const pictures = nastyPictures.filter((_, i) => i % Number(flags.every) === 0);
for (const [width, height] of sizes) {
  for (const [i, picture] of pictures.entries()) {
    const raw = { width, height, channels: 3 } as const;
    const chromaSubsampling = i % 2 ? "4:4:4" : "4:2:0";
    const jpeg = await sharp(draw(picture, width, height), { raw })
      .jpeg({ quality: 88, chromaSubsampling })
      .toBuffer();
    measurements.push(...(await measure(jpeg, picture.name, width, height)));
  }
}
await encoder.close();
print();

async function measure(jpeg: Buffer, picture: string, width: number, height: number): Promise<Measurement[]> {
  const full = await sharp(jpeg).raw().toBuffer();
  const found: Measurement[] = [];
  const references = targets.map((target) =>
    square(full, { width, height, target, fullWidth: width, fullHeight: height }),
  );
  const vector = await embed(references[0]!);
  for (const factor of factors) {
    for (const kernel of kernels) {
      const size = { width: Math.ceil(width / factor), height: Math.ceil(height / factor) };
      const shrunk = await sharp(jpeg)
        .resize({ ...size, fit: "fill", kernel })
        .raw()
        .toBuffer();
      for (const [i, target] of targets.entries()) {
        const kept = Math.min(size.width, size.height) / target;
        if (kept < bands[0]!) continue;
        const pixels = square(shrunk, { ...size, target, fullWidth: width, fullHeight: height });
        const error = pixels.reduce((sum, value, at) => sum + Math.abs(value - references[i]![at]!), 0) / pixels.length;
        const cosine = i === 0 ? dot(vector, await embed(pixels)) : Number.NaN;
        found.push({ factor, kernel, target, kept, picture, error, cosine });
      }
    }
  }
  return found;
}

interface SquareOptions {
  width: number;
  height: number;
  target: number;
  fullWidth: number;
  fullHeight: number;
}

function square(data: Buffer, { width, height, target, fullWidth, fullHeight }: SquareOptions): Uint8Array {
  const longest = Math.floor((target * Math.max(fullWidth, fullHeight)) / Math.min(fullWidth, fullHeight));
  const top = Math.floor((longest - target) / 2);
  return resize(rowsOf({ data, width, height }), { width: target, height: longest, left: 0, top, size: target });
}

async function embed(pixels: Uint8Array): Promise<Float32Array> {
  const side = Math.sqrt(pixels.length / 3);
  const png = await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
  const { embeddings } = await encoder.encodeImages([png]);
  return embeddings[0]!;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function print(): void {
  const rows = factors.flatMap((factor) =>
    kernels.flatMap((kernel) =>
      bands.map((least, i) => {
        const here = measurements.filter(
          (it) =>
            it.factor === factor &&
            it.kernel === kernel &&
            it.kept >= least &&
            it.kept < (bands[i + 1] ?? Number.POSITIVE_INFINITY),
        );
        if (here.length === 0) return [];
        const worst = here.reduce((a, b) => (b.error > a.error ? b : a));
        const cosines = here.map(({ cosine }) => cosine).filter((cosine) => !Number.isNaN(cosine));
        const lowest = cosines.length > 0 ? Math.min(...cosines).toFixed(4) : "";
        return [
          `${factor - 1}x, then ${factor}/${factor - 1}`,
          kernel,
          `from ${least}`,
          String(here.length),
          worst.error.toFixed(2),
          worst.picture,
          lowest,
        ];
      }),
    ),
  );
  const head = [
    "shrunk while decoded",
    "kernel",
    "times the target kept",
    "pictures",
    "largest mean error",
    "of",
    "lowest cosine",
  ];
  for (const line of table(
    head,
    rows.filter((row) => row.length > 0),
  ))
    console.log(line);
}
