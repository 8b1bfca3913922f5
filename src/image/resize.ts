/**
 * Bicubic resampling (a = -0.5, antialiased), bit-exact with Pillow's: weights in 22-bit fixed point, a horizontal
 * pass, then a vertical one, rounded to 8 bits in between. Only what the crop shows is computed, so that a picture of
 * 30,000 x 1 costs no more than another, although resized as a whole it would be 6.7 million pixels wide.
 */
import type { Raster } from "./raster.ts";

const precisionBits = 22;
const half = 1 << (precisionBits - 1);

/** The square at (`left`, `top`) of the picture resized to `width` x `height`. */
export interface Crop {
  width: number;
  height: number;
  left: number;
  top: number;
  size: number;
}

/** @returns size * size * 3 bytes, R G B interleaved. */
export function resizeAndCrop(picture: Raster, crop: Crop): Uint8Array {
  const columns = resampling({ from: picture.width, to: crop.width, first: crop.left, count: crop.size });
  const rows = resampling({ from: picture.height, to: crop.height, first: crop.top, count: crop.size });
  const firstRow = rows.starts[0]!;
  const lastRow = rows.starts[crop.size - 1]! + rows.taps[crop.size - 1]!;
  const strip = resampleRows(picture, columns, firstRow, lastRow);
  return resampleColumns(strip, rows, firstRow, crop.size);
}

/** For each output position: the first input position, how many inputs count, and their weights. */
interface Resampling {
  starts: Int32Array;
  taps: Int32Array;
  /** [count, stride]; each row holds `taps` weights that sum to about 1 << 22. */
  weights: Int32Array;
  stride: number;
}

function resampling(axis: { from: number; to: number; first: number; count: number }): Resampling {
  const scale = axis.from / axis.to;
  const stretch = Math.max(scale, 1); // the filter widens when shrinking, never when enlarging
  const support = 2 * stretch;
  const stride = 2 * Math.ceil(support) + 1;
  const starts = new Int32Array(axis.count);
  const taps = new Int32Array(axis.count);
  const weights = new Int32Array(axis.count * stride);
  const exact = new Float64Array(stride);

  for (let i = 0; i < axis.count; i++) {
    const centre = (axis.first + i + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), axis.from);
    let total = 0;
    for (let x = start; x < end; x++) {
      const weight = cubic((x - centre + 0.5) / stretch);
      exact[x - start] = weight;
      total += weight;
    }
    for (let t = 0; t < end - start; t++) {
      const weight = exact[t]!;
      weights[i * stride + t] = Math.trunc((weight / total) * (1 << precisionBits) + (weight >= 0 ? 0.5 : -0.5));
    }
    starts[i] = start;
    taps[i] = end - start;
  }
  return { starts, taps, weights, stride };
}

function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// A sum stays below 2^31: positive weights add up to less than 1.3 * 2^22, pixels are at most 255.

/** @returns rows [firstRow, lastRow) of the picture, each resampled to the crop's columns. */
function resampleRows(picture: Raster, columns: Resampling, firstRow: number, lastRow: number): Uint8Array {
  const { starts, taps, weights, stride } = columns;
  const { data } = picture;
  const size = starts.length;
  const strip = new Uint8ClampedArray((lastRow - firstRow) * size * 3);
  let out = 0;
  for (let y = firstRow; y < lastRow; y++) {
    for (let x = 0; x < size; x++) {
      let red = half;
      let green = half;
      let blue = half;
      let at = (y * picture.width + starts[x]!) * 3;
      const end = x * stride + taps[x]!;
      for (let t = x * stride; t < end; t++) {
        const weight = weights[t]!;
        red += Math.imul(weight, data[at]!);
        green += Math.imul(weight, data[at + 1]!);
        blue += Math.imul(weight, data[at + 2]!);
        at += 3;
      }
      strip[out++] = red >> precisionBits;
      strip[out++] = green >> precisionBits;
      strip[out++] = blue >> precisionBits;
    }
  }
  return new Uint8Array(strip.buffer);
}

function resampleColumns(strip: Uint8Array, rows: Resampling, firstRow: number, size: number): Uint8Array {
  const { starts, taps, weights, stride } = rows;
  const rowBytes = size * 3;
  const out = new Uint8ClampedArray(size * rowBytes);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < size; y++) {
    sums.fill(half);
    let at = (starts[y]! - firstRow) * rowBytes;
    for (let t = 0; t < taps[y]!; t++) {
      const weight = weights[y * stride + t]!;
      for (let i = 0; i < rowBytes; i++) sums[i]! += Math.imul(weight, strip[at + i]!);
      at += rowBytes;
    }
    for (let i = 0; i < rowBytes; i++) out[y * rowBytes + i] = sums[i]! >> precisionBits;
  }
  return new Uint8Array(out.buffer);
}
