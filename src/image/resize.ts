/**
 * Resamples with Pillow's filters, bit-exact with its way: weights in 22-bit fixed point, a horizontal pass, then a
 * vertical one, rounded to 8 bits in between. All but "nearest" are antialiased. Only what the crop shows is computed, so
 * that a picture of 30,000 x 1 costs no more than another, although resized as a whole it would be 6.7 million pixels wide.
 */
import { compileKernel, type Kernel, layout, memoryOf } from "./kernel.ts";
import type { Resample } from "./pixels.ts";
import type { RowSource } from "./raster.ts";
import { type Resampling, rememberResampling } from "./resampling.ts";
import { resizeKernel } from "./resize-kernel.ts";

/** Names the square at (`left`, `top`) of the picture turned upright and resized to `width` x `height`. */
interface Crop {
  width: number;
  height: number;
  left: number;
  top: number;
  size: number;
  /** The default is "bicubic". */
  resample?: Resample | undefined;
}

/** Gives size * size * 3 bytes, R G B interleaved, which it puts into `out` where that is given. */
export type Resizer = (picture: RowSource, crop: Crop, out?: Uint8Array) => Uint8Array;

/** What resize-kernel.as exports. */
interface ResizeKernel extends Kernel {
  resampleRows(...numbers: number[]): void;
  resampleColumns(...numbers: number[]): void;
}

/** Limits the rows given to the kernel at a time, so that its memory need not hold the picture; it takes pairs. */
const chunkRows = 64;

/** Says how a picture lies: rows and columns changed places first, then the turned picture's axes were mirrored. */
interface Turn {
  isTransposed: boolean;
  isMirroredAcross: boolean;
  isMirroredDown: boolean;
}

/** What a pass needs: columns are those of the picture as it lies, rows, too. */
interface Work {
  picture: RowSource;
  columns: Resampling;
  rows: Resampling;
  size: number;
}

/** The square as the picture lies: rows begin `stride` bytes apart, the first at `at`. */
interface Square {
  memory: Uint8Array;
  at: number;
  stride: number;
}

/** Does one resize at a time: a resizer owns the memory that its kernel (SIMD, resize-kernel.as) works in. */
export function createResizer(): Resizer {
  const kernel = compileKernel<ResizeKernel>(resizeKernel)();
  const resamplingOf = rememberResampling();

  return (picture, { width, height, left, top, size, resample = "bicubic" }, out = new Uint8Array(size * size * 3)) => {
    const turn = turnOf(picture.orientation ?? 1);
    const across = { to: width, first: left, count: size, resample, isMirrored: turn.isMirroredAcross };
    const down = { to: height, first: top, count: size, resample, isMirrored: turn.isMirroredDown };
    const [ofColumns, ofRows] = turn.isTransposed ? [down, across] : [across, down];
    const columns = resamplingOf({ ...ofColumns, from: picture.width, inputBytes: 3 });
    const stride = turn.isTransposed ? bytesOf(columns) : strideOf(size);
    const rows = resamplingOf({ ...ofRows, from: picture.height, inputBytes: stride });
    const work = { picture, columns, rows, size };
    copyUpright(turn.isTransposed ? downThenAcross(work) : acrossThenDown(work), { size, turn, out });
    return out;
  };

  function acrossThenDown({ picture, columns, rows, size }: Work): Square {
    const stride = strideOf(size);
    const chunkStride = bytesOf(columns);
    const { memory, at } = reserve({
      columnTable: columns.table.byteLength,
      rowTable: rows.table.byteLength,
      chunk: chunkRows * chunkStride,
      strip: (rows.end - rows.start + 1) * stride, // one row more, for odd numbers of rows and weights
      out: size * size * 3,
    });
    memory.set(columns.table, at.columnTable);
    memory.set(rows.table, at.rowTable);
    for (let y = rows.start; y < rows.end; y += chunkRows) {
      const count = Math.min(chunkRows, rows.end - y);
      copyRows(picture, { y, count, columns }, memory, at.chunk);
      const strip = at.strip + (y - rows.start) * stride;
      kernel.resampleRows(at.chunk, chunkStride, count, at.columnTable, size, strip, stride);
    }
    kernel.resampleColumns(at.strip, stride, size * 3, at.rowTable, size, at.out);
    return { memory, at: at.out, stride: size * 3 };
  }

  /** A picture that lies on its side has its columns resampled first, each row of the result once its rows are there. */
  function downThenAcross({ picture, columns, rows, size }: Work): Square {
    const rowBytes = bytesOf(columns);
    const stride = strideOf(size);
    const mostTaken = Math.max(...rows.outputs.map(({ first, end }) => end - first));
    const { memory, at } = reserve({
      columnTable: columns.table.byteLength,
      rowTable: rows.table.byteLength,
      window: (mostTaken + chunkRows + 1) * rowBytes,
      strip: (size + 1) * rowBytes,
      out: (size + 1) * stride,
    });
    memory.set(columns.table, at.columnTable);
    memory.set(rows.table, at.rowTable);
    let done = 0;
    let windowStart = rows.start;
    for (let y = rows.start; y < rows.end; y += chunkRows) {
      const count = Math.min(chunkRows, rows.end - y);
      const kept = Math.min(rows.outputs[done]!.first, y);
      const from = at.window + (kept - windowStart) * rowBytes;
      memory.copyWithin(at.window, from, at.window + (y - windowStart) * rowBytes);
      windowStart = kept;
      copyRows(picture, { y, count, columns }, memory, at.window + (y - windowStart) * rowBytes);
      const source = at.window - (windowStart - rows.start) * rowBytes; // the table counts from the first row
      for (; done < size && rows.outputs[done]!.end <= y + count; done++) {
        const table = at.rowTable + rows.outputs[done]!.at;
        kernel.resampleColumns(source, rowBytes, rowBytes, table, 1, at.strip + done * rowBytes);
      }
    }
    kernel.resampleRows(at.strip, rowBytes, size, at.columnTable, size, at.out, stride);
    return { memory, at: at.out, stride };
  }

  function reserve<Part extends string>(bytes: Record<Part, number>) {
    const at = layout(0, bytes);
    return { memory: memoryOf(kernel, at.end), at };
  }
}

/** By EXIF's orientations, 1 to 8. */
function turnOf(orientation: number): Turn {
  return {
    isTransposed: orientation >= 5,
    isMirroredAcross: [2, 3, 6, 7].includes(orientation),
    isMirroredDown: [3, 4, 7, 8].includes(orientation),
  };
}

const bytesOf = ({ start, end }: Resampling) => (end - start) * 3;

/** The kernel writes one byte behind each row that it resampled. */
const strideOf = (size: number) => size * 3 + 1;

function copyRows(
  picture: RowSource,
  { y, count, columns }: { y: number; count: number; columns: Resampling },
  memory: Uint8Array,
  to: number,
): void {
  const { data, at, stride } = picture.rows(y, count, columns.start, columns.end);
  const bytes = bytesOf(columns);
  for (let row = 0; row < count; row++) {
    const from = at + row * stride;
    memory.set(data.subarray(from, from + bytes), to + row * bytes);
  }
}

/** Copies the square, turned as the picture is to be seen. */
function copyUpright(
  { memory, at, stride }: Square,
  { size, turn, out }: { size: number; turn: Turn; out: Uint8Array },
): void {
  if (!turn.isTransposed && !turn.isMirroredAcross && !turn.isMirroredDown) {
    out.set(memory.subarray(at, at + size * stride));
    return;
  }
  const [alongX, alongY] = turn.isTransposed ? [stride, 3] : [3, stride];
  const [stepX, stepY] = [turn.isMirroredAcross ? -alongX : alongX, turn.isMirroredDown ? -alongY : alongY];
  const last = size - 1;
  const start = at + (turn.isMirroredAcross ? last * alongX : 0) + (turn.isMirroredDown ? last * alongY : 0);
  let to = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = start + y * stepY + x * stepX;
      out[to++] = memory[from]!;
      out[to++] = memory[from + 1]!;
      out[to++] = memory[from + 2]!;
    }
  }
}
