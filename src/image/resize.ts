/**
 * Resamples with Pillow's filters, bit-exact with its way: weights in 22-bit fixed point, a horizontal pass, then a
 * vertical one, rounded to 8 bits in between. All but "nearest" are antialiased. Only what the crop shows is computed, so that a picture of 30,000 x 1 costs no more than another, although resized as a whole it would be 6.7
 * million pixels wide.
 */
import type { Resample } from "./pixels.ts";
import type { RowSource } from "./raster.ts";
import { resizeKernel } from "./resize-kernel.ts";

/** Names the square at (`left`, `top`) of the picture resized to `width` x `height`. */
interface Crop {
  width: number;
  height: number;
  left: number;
  top: number;
  size: number;
  /** The default is "bicubic". */
  resample?: Resample | undefined;
}

/** Gives size * size * 3 bytes, R G B interleaved. */
export type Resizer = (picture: RowSource, crop: Crop) => Uint8Array;

interface Kernel {
  memory: { buffer: ArrayBuffer; grow(pages: number): number };
  resampleRows(...numbers: number[]): void;
  resampleColumns(...numbers: number[]): void;
}

/** TypeScript declares WebAssembly with the browser's types only; here is what is used of it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

/** Limits the rows given to the kernel at a time, so that its memory need not hold the picture; it takes pairs. */
const chunkRows = 64;
const pageBytes = 65536;

/** Does one resize at a time: a resizer owns the memory that its kernel (SIMD, resize-kernel.wat) works in. */
export function createResizer(): Resizer {
  const module = new WebAssembly.Module(Buffer.from(resizeKernel, "base64"));
  const kernel = new WebAssembly.Instance(module).exports as Kernel; // what resize-kernel.wat exports
  const resamplingOf = rememberResampling();

  return (picture, { width, height, left, top, size, resample = "bicubic" }) => {
    const rowBytes = size * 3;
    const stripStride = rowBytes + 1; // the kernel writes one byte behind each row of the strip
    const across = { from: picture.width, to: width, first: left, inputBytes: 3 };
    const down = { from: picture.height, to: height, first: top, inputBytes: stripStride };
    const columns = resamplingOf({ ...across, count: size, resample });
    const rows = resamplingOf({ ...down, count: size, resample });
    const chunkStride = (columns.end - columns.start) * 3;

    const at = layout({
      columnTable: columns.table.byteLength,
      rowTable: rows.table.byteLength,
      chunk: chunkRows * chunkStride,
      strip: (rows.end - rows.start + 1) * stripStride, // one row more, for odd numbers of rows and weights
      out: size * rowBytes,
    });
    if (kernel.memory.buffer.byteLength < at.end) {
      kernel.memory.grow(Math.ceil((at.end - kernel.memory.buffer.byteLength) / pageBytes));
    }
    const memory = new Uint8Array(kernel.memory.buffer);
    memory.set(columns.table, at.columnTable);
    memory.set(rows.table, at.rowTable);

    for (let y = rows.start; y < rows.end; y += chunkRows) {
      const count = Math.min(chunkRows, rows.end - y);
      const { data, at: from, stride } = picture.rows(y, count, columns.start, columns.end);
      for (let row = 0; row < count; row++) {
        const start = from + row * stride;
        memory.set(data.subarray(start, start + chunkStride), at.chunk + row * chunkStride);
      }
      const strip = at.strip + (y - rows.start) * stripStride;
      kernel.resampleRows(at.chunk, chunkStride, count, at.columnTable, size, strip, stripStride);
    }
    kernel.resampleColumns(at.strip, stripStride, rowBytes, at.rowTable, size, at.out);
    return memory.slice(at.out, at.out + size * rowBytes);
  };
}

/** Says where each part begins. The kernel reads and writes up to 16 bytes past a part's end. */
function layout<Part extends string>(bytes: Record<Part, number>): Record<Part | "end", number> {
  const starts: Record<string, number> = {};
  let end = 0;
  for (const [part, size] of Object.entries<number>(bytes)) {
    starts[part] = end;
    end += Math.ceil(size / 16) * 16 + 16;
  }
  return { ...starts, end } as Record<Part | "end", number>; // the loop went through every part
}

interface Resampling {
  /** All outputs together need the inputs `start` .. `end`. */
  start: number;
  end: number;
  /** What the kernel reads. */
  table: Uint8Array;
}

/** Asks for the outputs `first` .. `first + count` of `from` inputs, each of some bytes, resized to `to`. */
interface Axis {
  from: number;
  to: number;
  first: number;
  count: number;
  inputBytes: number;
  resample: Resample;
}

/** The pictures of a folder share a few sizes. Making the tables takes a third of the time of resizing 640x480. */
const mostRemembered = 8;

function rememberResampling(): (axis: Axis) => Resampling {
  const remembered = new Map<string, Resampling>();
  return (axis) => {
    const key = Object.values(axis).join();
    const found = remembered.get(key) ?? resampling(axis);
    remembered.delete(key); // so that it becomes the last, and the first is the one not used for longest
    if (remembered.size === mostRemembered) remembered.delete(remembered.keys().next().value!);
    remembered.set(key, found);
    return found;
  };
}

function resampling(axis: Axis): Resampling {
  const outputs = axis.resample === "nearest" ? nearest(axis) : weighted(axis, filters[axis.resample]);
  const start = outputs[0]!.first;
  const last = outputs.at(-1)!;
  return { start, end: last.first + last.weights.length, table: weightTable(outputs, start, axis.inputBytes) };
}

/** Holds an output's first input, and the weights of that and those that follow, which sum to about 2^22. */
interface Output {
  first: number;
  weights: number[];
}

/** Takes one input for each output. Its place is a sum, as Pillow computes it, whose rounding decides at times. */
function nearest({ from, to, first, count }: Axis): Output[] {
  const scale = from / to;
  const places: number[] = [];
  let place = scale * 0.5;
  for (let i = 0; i < first + count; i++) {
    places.push(Math.trunc(place));
    place += scale;
  }
  return places.slice(first).map((place) => ({ first: place, weights: [1 << 22] }));
}

function weighted({ from, to, first, count }: Axis, filter: Filter): Output[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1); // the filter widens when shrinking, never when enlarging
  const support = filter.support * stretch;
  return Array.from({ length: count }, (_, i) => {
    const centre = (first + i + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), from);
    const exact: number[] = [];
    let total = 0;
    for (let at = start; at < end; at++) {
      const weight = filter.weight((at - centre + 0.5) / stretch);
      exact.push(weight);
      total += weight;
    }
    const weights = exact.map((weight) => Math.trunc((weight / total) * (1 << 22) + (weight >= 0 ? 0.5 : -0.5)));
    return { first: start, weights };
  });
}

interface Filter {
  /** The weight is zero from this distance on, in inputs. */
  support: number;
  weight(distance: number): number;
}

const filters: Record<Exclude<Resample, "nearest">, Filter> = {
  lanczos: { support: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  hamming: { support: 1, weight: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/**
 * Writes resampling as the kernel reads it, in 32-bit words. Each output has its first input's place in bytes, the
 * number of weight pairs, then for each pair the high halves (weight >> 11) of both in one word, and the low ones in
 * the next.
 */
function weightTable(outputs: readonly Output[], start: number, inputBytes: number): Uint8Array {
  const words: number[] = [];
  for (const { first, weights } of outputs) {
    words.push((first - start) * inputBytes, Math.ceil(weights.length / 2));
    for (let t = 0; t < weights.length; t += 2) {
      const one = weights[t]!;
      const other = weights[t + 1] ?? 0;
      words.push(((one >> 11) & 0xffff) | ((other >> 11) << 16), (one & 0x7ff) | ((other & 0x7ff) << 16));
    }
  }
  return new Uint8Array(Int32Array.from(words).buffer);
}
