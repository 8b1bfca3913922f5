import { readSequentialJpeg, type SequentialJpeg } from "./jpeg-header.ts";
import { jpegKernel } from "./jpeg-kernel.ts";
import type { RowSource } from "./raster.ts";

/** Is a JPEG whose rows are decoded as they are read. */
export interface JpegRows extends RowSource {
  /** Tells, once rows were read, whether the file was in order up to its end. What was read of any other is worth nothing. */
  isSound(): boolean;
}

/** @returns undefined for a file that is to be left to libvips, which reads every kind and knows what to say of damage */
export type JpegReader = (file: Uint8Array) => JpegRows | undefined;

interface Kernel {
  memory: { buffer: ArrayBuffer; grow(pages: number): number };
  free: { value: number };
  segment: { value: number };
  divisors: { value: number };
  buildTable(component: number, isAc: number): number;
  begin(...numbers: number[]): number;
  decodeRow(...numbers: number[]): number;
  isSound(): number;
  repeatEdges(...numbers: number[]): void;
  writeRow(...numbers: number[]): void;
}

/** TypeScript declares WebAssembly with the browser's types only; here is what is used of it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

const pageBytes = 65536;
const side = 8; // of a block

/** Limits the rows that are read at a time. */
const mostRows = 64;
/** Rows of units are kept for so many rows, one that they begin in, and one on each side, whose colours mix in. */
const keptUnits = mostRows / side + 3;

/** Vectors of 16 bytes are read and written beside a row. */
const margin = 16;

/** Larger files are rare, and this memory never shrinks. */
const mostFileBytes = 8 * 1024 * 1024;
const mostKeptBytes = 4 * 1024 * 1024;

/** Reads one picture at a time: rows of the last one are gone when the next begins. */
export function createJpegReader(): JpegReader {
  const module = new WebAssembly.Module(Buffer.from(jpegKernel, "base64"));
  let kept: Kernel | undefined;
  return (file) => {
    const header = file.length <= mostFileBytes ? readSequentialJpeg(file) : undefined;
    // Of colours this narrow, libjpeg repeats samples instead of mixing them.
    if (!header || (header.blocksAcross > 1 && header.width <= 4)) return undefined;
    const kernel = kept ?? (new WebAssembly.Instance(module).exports as Kernel); // what jpeg-kernel.as exports
    const rows = rowsOf(kernel, file, header);
    kept = kernel.memory.buffer.byteLength > mostKeptBytes ? undefined : kernel;
    return rows;
  };
}

function rowsOf(kernel: Kernel, file: Uint8Array, header: SequentialJpeg): JpegRows | undefined {
  const { width, height, blocksAcross, blocksDown, components } = header;
  const [unitWidth, unitHeight] = [side * blocksAcross, side * blocksDown];
  const [across, down] = [Math.ceil(width / unitWidth), Math.ceil(height / unitHeight)];
  const colourHeight = Math.ceil(height / blocksDown);
  const isGrey = components.length === 1;

  const yStride = across * unitWidth + margin;
  const colourStride = across * side + 2 * margin;
  const colourBytes = isGrey ? 0 : keptUnits * side * colourStride;
  const rowBytes = (across * unitWidth + 2 * margin) * 3;
  const at = layout(kernel.free.value, {
    file: file.length,
    words: file.length - header.scanAt + 3 * margin,
    y: keptUnits * unitHeight * yStride,
    cb: colourBytes,
    cr: colourBytes,
    out: mostRows * rowBytes,
  });
  const missing = at.end - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / pageBytes));
  const memory = new Uint8Array(kernel.memory.buffer);

  for (const [i, { divisors, meanCodes, codes }] of components.entries()) {
    memory.set(divisors, kernel.divisors.value + 64 * i);
    for (const [isAc, table] of [meanCodes, codes].entries()) {
      memory.set(table.subarray(0, 16 + 256), kernel.segment.value);
      if (!kernel.buildTable(i, isAc)) return undefined;
    }
  }
  memory.set(file, at.file);
  const begin = [at.file + header.scanAt, at.file + file.length, at.words, across, down, Number(isGrey)];
  if (!kernel.begin(...begin, blocksAcross, blocksDown, header.restartUnits)) return undefined;

  let decoded = 0; // rows of units
  let isDamaged = false;
  const yAt = (row: number) => at.y + (row % (keptUnits * unitHeight)) * yStride;
  const colourAt = (row: number) => margin + (row % (keptUnits * side)) * colourStride;

  /** Decodes rows of units up to one, and of those from `first` on what lies between two columns. */
  function decode(first: number, last: number, from: number, until: number): void {
    for (; decoded <= last && !isDamaged; decoded++) {
      const [cb, cr] = [at.cb + colourAt(decoded * side), at.cr + colourAt(decoded * side)];
      const units = decoded < first ? [0, 0] : [from, until];
      isDamaged = !kernel.decodeRow(yAt(decoded * unitHeight), yStride, cb, cr, colourStride, ...units);
      if (blocksAcross === 1) continue;
      for (const plane of [cb, cr]) kernel.repeatEdges(plane, colourStride, Math.ceil(width / blocksAcross), side);
    }
  }

  return {
    width,
    height,
    orientation: header.orientation,
    rows(first, count, from, until) {
      const [firstUnit, lastUnit] = [first - blocksDown, first + count - 1 + blocksDown].map((row) =>
        Math.min(Math.max(Math.floor(row / unitHeight), 0), down - 1),
      );
      const mixed = blocksAcross - 1; // columns of colours on each side
      const fromUnit = Math.max(Math.floor((from - blocksAcross * mixed) / unitWidth), 0);
      const untilUnit = Math.min(Math.floor((until - 1 + blocksAcross * mixed) / unitWidth) + 1, across);
      decode(firstUnit!, lastUnit!, fromUnit, untilUnit);
      const start = Math.floor(from / margin) * margin;
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
      decode(down, down - 1, 0, 0);
      return !isDamaged && kernel.isSound() === 1;
    },
  };
}

/** Says where each part begins, with room for vectors beside it. */
function layout<Part extends string>(start: number, bytes: Record<Part, number>): Record<Part | "end", number> {
  const starts: Record<string, number> = {};
  let end = start;
  for (const [part, size] of Object.entries<number>(bytes)) {
    starts[part] = end;
    end += Math.ceil(size / margin) * margin + 2 * margin;
  }
  return { ...starts, end } as Record<Part | "end", number>; // the loop went through every part
}
