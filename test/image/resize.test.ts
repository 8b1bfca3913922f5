import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileKernel } from "../../scripts/build-kernels.ts";
import type { Resample } from "../../src/image/pixels.ts";
import { type Raster, rowsOf } from "../../src/image/raster.ts";
import { createResizer } from "../../src/image/resize.ts";
import { resizeKernel } from "../../src/image/resize-kernel.ts";

/** Pillow's own pixels of all its filters; make.py beside the file says how. */
const pillow: { filter: string; from: number[]; to: number[]; pixels: string }[] = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "../fixtures/resample/pillow.json"), "utf8"),
);

type Plain = "bicubic" | "bilinear";

/** Resizes as Pillow does, as one would write it down: everything computed, one sample at a time. */
function plainResize(picture: Raster, width: number, height: number, resample: Plain): Raster {
  const rows = plainResizeRows(picture, width, resample);
  return transposed(plainResizeRows(transposed(rows), height, resample));
}

function plainResizeRows({ data, width: from, height }: Raster, width: number, resample: Plain): Raster {
  const support = resample === "bicubic" ? 2 : 1;
  const filter = resample === "bicubic" ? cubic : (x: number) => Math.max(0, 1 - x);
  const out = new Uint8ClampedArray(width * height * 3);
  const stretch = Math.max(from / width, 1);
  for (let x = 0; x < width; x++) {
    const centre = (x + 0.5) * (from / width);
    const first = Math.max(Math.trunc(centre - support * stretch + 0.5), 0);
    const last = Math.min(Math.trunc(centre + support * stretch + 0.5), from);
    const weights: number[] = [];
    for (let i = first; i < last; i++) weights.push(filter(Math.abs((i - centre + 0.5) / stretch)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const fixed = weights.map((weight) => Math.trunc((weight / total) * 2 ** 22 + (weight < 0 ? -0.5 : 0.5)));
    for (let y = 0; y < height; y++) {
      for (let channel = 0; channel < 3; channel++) {
        const sum = fixed.reduce((sum, weight, i) => sum + weight * data[(y * from + first + i) * 3 + channel]!, 0);
        out[(y * width + x) * 3 + channel] = Math.floor((sum + 2 ** 21) / 2 ** 22);
      }
    }
  }
  return { data: new Uint8Array(out), width, height };
}

function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

function transposed({ data, width, height }: Raster): Raster {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      out.set(data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3), (x * height + y) * 3);
    }
  }
  return { data: out, width: height, height: width };
}

/** Turns a picture by EXIF's orientation, as one would write it down. */
function turnedUpright(lying: Raster, orientation: number): Raster {
  const turned = orientation >= 5 ? transposed(lying) : lying;
  const { data, width, height } = turned;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = [2, 3, 6, 7].includes(orientation) ? width - 1 - x : x;
      const fromY = [3, 4, 7, 8].includes(orientation) ? height - 1 - y : y;
      const from = (fromY * width + fromX) * 3;
      out.set(data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { data: out, width, height };
}

function cropped({ data, width }: Raster, left: number, top: number, size: number): Uint8Array {
  const rows = Array.from({ length: size }, (_, row) => {
    const at = ((top + row) * width + left) * 3;
    return data.slice(at, at + size * 3);
  });
  return Uint8Array.from(rows.flatMap((row) => [...row]));
}

const side = fc.integer({ min: 1, max: 90 });
const picture = fc
  .record({ width: side, height: side, noise: fc.uint8Array({ minLength: 64, maxLength: 64 }) })
  .map(({ width, height, noise }) => {
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => noise[(i * 31 + (i >> 6)) % 64]!);
    return { data, width, height };
  });
const crop = fc
  .record({
    size: fc.integer({ min: 1, max: 40 }),
    right: fc.nat(30),
    below: fc.nat(30),
    left: fc.nat(),
    top: fc.nat(),
  })
  .map(({ size, right, below, left, top }) => ({
    width: size + right,
    height: size + below,
    left: left % (right + 1),
    top: top % (below + 1),
    size,
  }));

describe("the resizer", () => {
  it("gives the crop of the whole picture resized by the plain algorithm, whatever the sizes", () => {
    const resize = createResizer();
    fc.assert(
      fc.property(picture, crop, fc.constantFrom<Plain>("bicubic", "bilinear"), (input, where, resample) => {
        const { width, height, left, top, size } = where;
        const whole = plainResize(input, width, height, resample);
        expect(resize(rowsOf(input), { ...where, resample })).toEqual(cropped(whole, left, top, size));
      }),
      { numRuns: 200 },
    );
  });

  it("gives the same of a picture that lies otherwise as of one that is turned upright first", () => {
    const resize = createResizer();
    const orientation = fc.integer({ min: 1, max: 8 });
    const filter = fc.constantFrom<Resample>("bicubic", "lanczos", "nearest");
    fc.assert(
      fc.property(picture, crop, orientation, filter, (lying, where, orientation, resample) => {
        const expected = resize(rowsOf(turnedUpright(lying, orientation)), { ...where, resample });
        expect(resize({ ...rowsOf(lying), orientation }, { ...where, resample })).toEqual(expected);
      }),
      { numRuns: 400 },
    );
  });

  it("is exact at the extremes of black and white, where the filter overshoots", () => {
    const data = Uint8Array.from({ length: 97 * 61 * 3 }, (_, i) => (Math.floor(i / 21) % 2) * 255);
    const input = { data, width: 97, height: 61 };
    const got = createResizer()(rowsOf(input), {
      width: 40,
      height: 33,
      left: 5,
      top: 2,
      size: 30,
      resample: "bicubic",
    });
    expect(got).toEqual(cropped(plainResize(input, 40, 33, "bicubic"), 5, 2, 30));
  });

  it("gives the same pixels for sizes and filters that come back as it did at first", () => {
    const resize = createResizer();
    const input = (turn: number) => {
      const [width, height] = [30 + (turn % 5), 20 + (turn % 3)];
      return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31) % 251) };
    };
    const pixels = (turn: number) => {
      const resample = turn % 2 === 0 ? "bicubic" : "nearest";
      return resize(rowsOf(input(turn)), { width: 12, height: 10, left: 1, top: turn % 2, size: 9, resample });
    };
    const first = Array.from({ length: 30 }, (_, turn) => pixels(turn));
    for (const turn of [29, 0, 1, 0, 17, 0, 30, 59, 31]) expect(pixels(turn)).toEqual(first[turn % 30]);
    expect(first[0]).toEqual(cropped(plainResize(input(0), 12, 10, "bicubic"), 1, 0, 9));
  });

  it.each(pillow)("gives Pillow's pixels: $filter, $from to $to", ({ filter, from, to, pixels }) => {
    const [width, height] = from as [number, number];
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i * 7 + (i >> 3) * 13) % 251);
    const [toWidth, toHeight] = to as [number, number];
    const size = Math.min(toWidth, toHeight);
    const [left, top] = [toWidth - size, toHeight - size];
    const crop = { width: toWidth, height: toHeight, left, top, size, resample: filter as Resample };
    expect(Buffer.from(createResizer()(rowsOf({ data, width, height }), crop)).toString("base64")).toBe(pixels);
  });

  it("runs the kernel that its source describes", async () => {
    expect(await compileKernel("resize")).toBe(resizeKernel);
  });
});
