import { createJpegReader } from "./jpeg.ts";
import { readJpegFrame } from "./jpeg-header.ts";
import type { PixelSpec } from "./pixels.ts";
import type { RowSource } from "./raster.ts";
import { createResizer, type Resizer } from "./resize.ts";

/**
 * Turns a JPEG of the plainest kind, as most pictures are, into size * size * 3 bytes for the tower, which it puts into `out`
 * where that is given. It takes a third of libvips' time.
 * @returns undefined for any other file, and for one that is not in order up to its end
 */
export type PlainPreprocessor = (file: Uint8Array, out?: Uint8Array) => Uint8Array | undefined;

export function createPlainPreprocessor(
  spec: PixelSpec,
  { maxImagePixels, resize = createResizer() }: { maxImagePixels: number; resize?: Resizer },
): PlainPreprocessor {
  const readJpeg = createJpegReader({ maxImagePixels });
  return (file, out) => {
    const picture = readJpeg(file);
    if (!picture) return undefined;
    const pixels = resize(picture, squareOf(picture, spec), out);
    return picture.isSound() ? pixels : undefined;
  };
}

/** A file that an engine decodes beside its graph has at most so many bytes, and so many pixels: they take up to 8 ms. */
export const mostSmallBytes = 256 * 1024;
const mostSmallPixels = 1024 * 1024;
/** Rows that are longer take memory that an engine would keep. */
const longestSmallSide = 4096;

/** Tells, from its beginning alone, whether a file is probably a plain JPEG that is soon decoded. */
export function isSmallJpeg(file: Uint8Array): boolean {
  if (file.length > mostSmallBytes) return false;
  const frame = readJpegFrame(file);
  if (!frame?.isPlain || frame.isProgressive) return false; // all coefficients of progressive ones are in memory
  const { width, height } = frame;
  return width * height <= mostSmallPixels && Math.max(width, height) <= longestSmallSide;
}

/** Computes the square that the tower sees: a part of the picture resized as a whole. */
export function squareOf(picture: RowSource, { size, resize, fit, resample = "bicubic" }: PixelSpec) {
  if (fit === "squash") return { width: size, height: size, left: 0, top: 0, size, resample };
  const liesOnSide = (picture.orientation ?? 1) >= 5;
  const [across, down] = liesOnSide ? [picture.height, picture.width] : [picture.width, picture.height];
  const other = Math.floor((resize * Math.max(across, down)) / Math.min(across, down));
  const [width, height] = across <= down ? [resize, other] : [other, resize];
  return { width, height, left: Math.floor((width - size) / 2), top: Math.floor((height - size) / 2), size, resample };
}
