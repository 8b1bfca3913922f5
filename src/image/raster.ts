/** Holds a decoded picture: `data` has height * width * 3 bytes, rows top down, R G B interleaved. */
export interface Raster {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * Holds a picture with any number of channels: `data` has height * width * channels bytes, rows top down, channels
 * interleaved.
 */
export interface Samples extends Raster {
  channels: number;
}

/** Is a picture whose rows are read once, top down, so that they need not be there all at once. */
export interface RowSource {
  width: number;
  height: number;
  /** EXIF's orientation, 1 to 8, by which the picture is to be turned; width and height are those before. */
  orientation?: number;
  /** Reads at most 64 rows from `first` on. What it gives holds for the columns `from` to `until`, until the next call. */
  rows(first: number, count: number, from: number, until: number): Rows;
}

/** Pixels of 3 bytes, R G B, of which the first lies at `at`, and each row `stride` bytes behind the one above it. */
export interface Rows {
  data: Uint8Array;
  at: number;
  stride: number;
}

export function rowsOf({ data, width, height }: Raster): RowSource {
  const stride = width * 3;
  return { width, height, rows: (first, _count, from) => ({ data, at: first * stride + from * 3, stride }) };
}
