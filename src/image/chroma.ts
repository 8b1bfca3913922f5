import type { Samples } from "./raster.ts";

/** Red and blue have these shares in luma, which define a matrix of YCbCr (ITU-T H.273, matrix coefficients). */
export interface LumaShares {
  red: number;
  blue: number;
}

/** Beyond this mean difference, neighbours do not share their chroma; rounding to 8 bits makes up to half of it. */
const mostSharedDifference = 1;

/**
 * Smooths the colour of a picture whose decoder repeated subsampled chroma over 2 x 2 or 2 x 1 pixels, as libheif does,
 * in place. Chroma is read back from the pixels, interpolated linearly (3 : 1 along each axis, as libavif, libjpeg and
 * libyuv do), and the difference added. Where the pairs begin is seen from the pixels, since the picture may have been
 * turned.
 */
export function smoothChroma(samples: Samples, luma: LumaShares): void {
  const { data, width, height, channels } = samples;
  const planes = chromaPlanes(samples, luma);
  const own = planes.map((plane) => plane.slice());
  const axes = [
    { length: width, lines: height, step: 1, lineStep: width },
    { length: height, lines: width, step: width, lineStep: 1 },
  ];
  const firsts = axes.map((axis) => firstOfPairs(planes, axis));
  // Pairs along both axes get their mean before any is interpolated.
  for (const plane of [...planes, ...own]) {
    for (const [i, axis] of axes.entries()) if (firsts[i] !== undefined) averagePairs(plane, axis, firsts[i]);
  }
  for (const plane of planes) {
    for (const [i, axis] of axes.entries()) if (firsts[i] !== undefined) interpolatePairs(plane, axis, firsts[i]);
  }

  const green = 1 - luma.red - luma.blue;
  const clamp = (value: number) => Math.min(Math.max(Math.round(value), 0), 255);
  for (let pixel = 0, at = 0; pixel < width * height; pixel++, at += channels) {
    const blue = planes[0]![pixel]! - own[0]![pixel]!;
    const red = planes[1]![pixel]! - own[1]![pixel]!;
    data[at] = clamp(data[at]! + red);
    data[at + 1] = clamp(data[at + 1]! - (luma.red * red + luma.blue * blue) / green);
    data[at + 2] = clamp(data[at + 2]! + blue);
  }
}

/**
 * Computes B - Y and R - Y of each pixel. A clipped channel hides its chroma; then that of the other is all there is.
 */
function chromaPlanes({ data, width, height, channels }: Samples, luma: LumaShares): [Float32Array, Float32Array] {
  const blue = new Float32Array(width * height);
  const red = new Float32Array(width * height);
  for (let pixel = 0, at = 0; pixel < blue.length; pixel++, at += channels) {
    const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
    const y = luma.red * r + (1 - luma.red - luma.blue) * g + luma.blue * b;
    blue[pixel] = b - y;
    red[pixel] = r - y;
  }
  return [blue, red];
}

/** A direction through a plane has `lines` lines of `length` values each. */
interface Axis {
  length: number;
  lines: number;
  step: number;
  lineStep: number;
}

/** Finds where the first pair with common chroma begins: 0 or 1; undefined means that no pairs have it. */
function firstOfPairs(planes: readonly Float32Array[], axis: Axis): number | undefined {
  const differences = [0, 1].map((first) => {
    let sum = 0;
    let count = 0;
    for (let line = 0; line < axis.lines; line++) {
      for (let i = first; i + 1 < axis.length; i += 2) {
        const at = line * axis.lineStep + i * axis.step;
        for (const plane of planes) sum += Math.abs(plane[at]! - plane[at + axis.step]!);
        count += planes.length;
      }
    }
    return count === 0 ? Number.POSITIVE_INFINITY : sum / count;
  });
  const first = differences[0]! <= differences[1]! ? 0 : 1;
  return differences[first]! <= mostSharedDifference ? first : undefined;
}

function averagePairs(plane: Float32Array, axis: Axis, first: number): void {
  for (let line = 0; line < axis.lines; line++) {
    for (let i = first; i + 1 < axis.length; i += 2) {
      const at = line * axis.lineStep + i * axis.step;
      const mean = (plane[at]! + plane[at + axis.step]!) / 2;
      plane[at] = mean;
      plane[at + axis.step] = mean;
    }
  }
}

/** Each value becomes three parts of its pair's and one of the neighbouring pair's. */
function interpolatePairs(plane: Float32Array, axis: Axis, first: number): void {
  const line = new Float32Array(axis.length);
  for (let l = 0; l < axis.lines; l++) {
    const start = l * axis.lineStep;
    for (let i = 0; i < axis.length; i++) line[i] = plane[start + i * axis.step]!;
    for (let i = 0; i < axis.length; i++) {
      const isSecond = (i - first) % 2 !== 0; // of its pair
      const other = Math.min(Math.max(isSecond ? i + 1 : i - 1, 0), axis.length - 1);
      plane[start + i * axis.step] = (3 * line[i]! + line[other]!) / 4;
    }
  }
}
