import { type Jpeg, readJpegHeader, blockSide as side } from "./jpeg-header.ts";
import { jpegKernel } from "./jpeg-kernel.ts";
import { type JpegKernel, scansOf } from "./jpeg-scans.ts";
import { compileKernel, layout, memoryOf, vectorBytes } from "./kernel.ts";
import type { RowSource } from "./raster.ts";

/** Is a JPEG whose rows are decoded as they are read. */
export interface JpegRows extends RowSource {
  /** Tells, once rows were read, whether the file was in order up to its end. What was read of any other is worth nothing. */
  isSound(): boolean;
}

/** @returns undefined for a file that is to be left to libvips, which reads every kind and knows what to say of damage */
export type JpegReader = (file: Uint8Array) => JpegRows | undefined;

/** Of a progressive picture's block; jpeg-kernel.as has its parts. */
const blockBytes = 144;

/** Limits the rows that are read at a time. */
const mostRows = 64;
/** Rows of units are kept for so many rows, one that they begin in, and one on each side, whose colours mix in. */
const keptUnits = mostRows / side + 3;

/** Larger files are rare, and the memory that they are decoded in never shrinks. */
const mostFileBytes = 8 * 1024 * 1024;
/** Coefficients of progressive pictures are all in memory: 5 megapixels, or 2 with colours at the whole resolution. */
const mostCoefficientBytes = 16 * 1024 * 1024;
const mostKeptBytes = 4 * 1024 * 1024;

/**
 * Reads one picture at a time: rows of the last one are gone when the next begins. What has more than `maxImagePixels` is
 * left to libvips as well.
 */
export function createJpegReader({ maxImagePixels }: { maxImagePixels: number }): JpegReader {
  const start = compileKernel<JpegKernel>(jpegKernel);
  let kernel = start();
  return (file) => {
    const jpeg = file.length <= mostFileBytes ? readJpegHeader(file) : undefined;
    // Of colours this narrow, libjpeg repeats samples instead of mixing them.
    if (!jpeg || (jpeg.blocksAcross > 1 && jpeg.width <= 4)) return undefined;
    if (jpeg.width * jpeg.height > maxImagePixels || coefficientBytes(jpeg) > mostCoefficientBytes) return undefined;
    const at = placesOf(jpeg, { file, start: kernel.free.value });
    const bytes = kernel.memory.buffer.byteLength;
    if (bytes > mostKeptBytes && at.end < bytes / 2) kernel = start(); // Large pictures, which come together, are through.
    const memory = roomIn(kernel, at.end);
    return memory && rowsOf(kernel, { file, jpeg, memory, at });
  };
}

function roomIn(kernel: JpegKernel, bytes: number): Uint8Array | undefined {
  try {
    return memoryOf(kernel, bytes);
  } catch {
    return undefined; // where memory is short, libvips' words for it are as good as any
  }
}

/** Says how many units a picture has, and how large they are in pixels. */
function unitsOf({ width, height, blocksAcross, blocksDown }: Jpeg) {
  const [unitWidth, unitHeight] = [side * blocksAcross, side * blocksDown];
  return { unitWidth, unitHeight, across: Math.ceil(width / unitWidth), down: Math.ceil(height / unitHeight) };
}

function coefficientBytes(jpeg: Jpeg): number {
  const { across, down } = unitsOf(jpeg);
  const blocks = jpeg.blocksAcross * jpeg.blocksDown + jpeg.divisors.length - 1;
  return jpeg.isProgressive ? across * down * blocks * blockBytes : 0;
}

type Places = ReturnType<typeof placesOf>;

/** Says where everything lies in the kernel's memory. */
function placesOf(jpeg: Jpeg, { file, start }: { file: Uint8Array; start: number }) {
  const { yStride, colourStride, rowBytes } = stridesOf(jpeg);
  const colourBytes = jpeg.divisors.length === 1 ? 0 : keptUnits * side * colourStride;
  return layout(start, {
    file: file.length,
    words: file.length + 3 * vectorBytes,
    coefficients: coefficientBytes(jpeg),
    y: keptUnits * unitsOf(jpeg).unitHeight * yStride,
    cb: colourBytes,
    cr: colourBytes,
    out: mostRows * rowBytes,
  });
}

/** Counts the bytes from one row to the next. */
function stridesOf(jpeg: Jpeg) {
  const { across, unitWidth } = unitsOf(jpeg);
  return {
    yStride: across * unitWidth + vectorBytes,
    colourStride: across * side + 2 * vectorBytes,
    rowBytes: (across * unitWidth + 2 * vectorBytes) * 3,
  };
}

function rowsOf(
  kernel: JpegKernel,
  { file, jpeg, memory, at }: { file: Uint8Array; jpeg: Jpeg; memory: Uint8Array; at: Places },
): JpegRows | undefined {
  const { width, height, orientation, isProgressive, blocksAcross, blocksDown, divisors } = jpeg;
  const { unitWidth, unitHeight, across, down } = unitsOf(jpeg);
  const { yStride, colourStride, rowBytes } = stridesOf(jpeg);
  const colourHeight = Math.ceil(height / blocksDown);
  memory.set(file, at.file);
  for (const [i, table] of divisors.entries()) memory.set(table, kernel.divisors.value + i * table.length);
  kernel.describe(Number(isProgressive), divisors.length, across, blocksAcross, blocksDown);

  const scans = scansOf(kernel, { file, jpeg, memory, at, down });
  if (!(isProgressive ? scans.readAll() : scans.beginOnly())) return undefined;

  let decoded = 0; // rows of units
  let isDamaged = false;
  const yAt = (row: number) => at.y + (row % (keptUnits * unitHeight)) * yStride;
  const colourAt = (row: number) => vectorBytes + (row % (keptUnits * side)) * colourStride;

  /** Decodes rows of units up to one, and of those from `first` on what lies between two columns. */
  function decode(first: number, last: number, from: number, until: number): void {
    for (; decoded <= last && !isDamaged; decoded++) {
      const [cb, cr] = [at.cb + colourAt(decoded * side), at.cr + colourAt(decoded * side)];
      const units = decoded < first ? [0, 0] : [from, until];
      const where = [yAt(decoded * unitHeight), yStride, cb, cr, colourStride, ...units];
      const isDone = isProgressive ? kernel.takeRow(decoded, ...where) : kernel.decodeRow(...where);
      isDamaged = isDone === 0;
      if (blocksAcross === 1) continue;
      for (const plane of [cb, cr]) kernel.repeatEdges(plane, colourStride, Math.ceil(width / blocksAcross), side);
    }
  }

  return {
    width,
    height,
    orientation,
    rows(first, count, from, until) {
      const [firstUnit, lastUnit] = [first - blocksDown, first + count - 1 + blocksDown].map((row) =>
        Math.min(Math.max(Math.floor(row / unitHeight), 0), down - 1),
      );
      const mixed = blocksAcross - 1; // columns of colours on each side
      const fromUnit = Math.max(Math.floor((from - blocksAcross * mixed) / unitWidth), 0);
      const untilUnit = Math.min(Math.floor((until - 1 + blocksAcross * mixed) / unitWidth) + 1, across);
      decode(firstUnit!, lastUnit!, fromUnit, untilUnit);
      const start = Math.floor(from / vectorBytes) * vectorBytes;
      for (let row = first; row < first + count; row++) {
        const near = Math.floor(row / blocksDown);
        const other = Math.min(Math.max(row % 2 === 0 ? near - 1 : near + 1, 0), colourHeight - 1);
        const far = blocksDown === 1 ? 0 : colourAt(other) - colourAt(near);
        const [cb, cr] = [at.cb + colourAt(near), at.cr + colourAt(near)];
        kernel.writeRow(yAt(row), cb, cr, far, start, until, at.out + (row - first) * rowBytes);
      }
      return { data: memory, at: at.out + (from - start) * 3, stride: rowBytes };
    },
    isSound() {
      if (isProgressive) return !isDamaged;
      decode(down, down - 1, 0, 0);
      return !isDamaged && scans.endLast();
    },
  };
}
