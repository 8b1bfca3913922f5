interface RunLengths {
  width: number;
  height: number;
  offset: number;
  runs: string;
}

const codes = { endOfLine: 0, endOfBitmap: 1, delta: 2 };

/**
 * Reads run-length encoded indices, one a byte, exactly as Pillow's BmpRleDecoder does: a run is cut at the end of its
 * row, and skipped pixels are 0.
 * @returns undefined where they end before the picture does.
 */
export function readRunLengths(file: Uint8Array, { width, height, offset, runs }: RunLengths): Uint8Array | undefined {
  const isHalf = runs === "4 bits"; // two pixels a byte
  const out = new Uint8Array(width * height);
  let at = offset;
  let to = 0;
  let x = 0;
  while (to < out.length && at + 1 < file.length) {
    const length = file[at]!;
    const value = file[at + 1]!;
    at += 2;
    if (length > 0) {
      const count = Math.max(0, Math.min(length, width - x, out.length - to));
      for (let i = 0; i < count; i++) out[to++] = isHalf ? (i % 2 === 0 ? value >> 4 : value & 15) : value;
      x += count;
    } else if (value === codes.endOfLine) {
      to = Math.ceil(to / width) * width;
      x = 0;
    } else if (value === codes.endOfBitmap) {
      break;
    } else if (value === codes.delta) {
      if (at + 1 >= file.length) break;
      to = Math.min(out.length, to + file[at]! + file[at + 1]! * width);
      at += 2;
      x = to % width;
    } else {
      const count = Math.min(value, out.length - to);
      const bytes = isHalf ? Math.ceil(count / 2) : count;
      if (at + bytes > file.length) break;
      for (let i = 0; i < count; i++) {
        const byte = file[at + (isHalf ? i >> 1 : i)]!;
        out[to++] = isHalf ? (i % 2 === 0 ? byte >> 4 : byte & 15) : byte;
      }
      at += bytes;
      at += at % 2; // stretches end on even offsets of the file
      x += value;
    }
  }
  return to === out.length ? out : undefined;
}
