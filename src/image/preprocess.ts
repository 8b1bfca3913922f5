import type { EncoderConfig } from "../config/encoder.ts";
import { EncoderError } from "../errors.ts";
import { decodeToRgb } from "./decode.ts";
import { createHeicReader } from "./heic.ts";
import { createJpegReader } from "./jpeg.ts";
import type { PixelSpec, Pixels } from "./pixels.ts";
import { type RowSource, rowsOf } from "./raster.ts";
import { createResizer } from "./resize.ts";

/**
 * Turns an encoded image into what the tower takes: its shortest side becomes `spec.resize`, and the centre of
 * `spec.size` is cut out; or it is squashed to that size. It rejects with EncoderError IMAGE_UNSUPPORTED,
 * IMAGE_TOO_LARGE or IMAGE_UNREADABLE.
 */
export type Preprocessor = (bytes: Uint8Array) => Promise<Pixels>;

export type PreprocessOptions = Pick<EncoderConfig, "maxImagePixels"> &
  Partial<Pick<EncoderConfig, "heic" | "lenientImages">>;

export function createPreprocessor(spec: PixelSpec, options: PreprocessOptions): Preprocessor {
  const { maxImagePixels, heic = true, lenientImages = false } = options;
  const resize = createResizer();
  const readHeic = heic ? createHeicReader() : undefined;
  const readJpeg = createJpegReader(options);
  const resized = (picture: RowSource) => ({ data: resize(picture, squareOf(picture, spec)), size: spec.size });
  const process = async (bytes: Uint8Array, allowDamage: boolean) =>
    resized(rowsOf(await decodeToRgb(bytes, spec, { maxImagePixels, allowDamage, readHeic })));
  /** Most pictures are JPEGs of the plainest kind and sound, which takes a third of libvips' time. */
  const processPlain = (bytes: Uint8Array) => {
    const picture = readJpeg(bytes);
    if (!picture) return undefined;
    const pixels = resized(picture);
    return picture.isSound() ? pixels : undefined;
  };
  return async (bytes) => {
    const pixels = processPlain(bytes);
    if (pixels) return pixels;
    try {
      return await process(bytes, false);
    } catch (error) {
      const isDamaged = error instanceof EncoderError && error.code === "IMAGE_UNREADABLE";
      if (!isDamaged || !lenientImages) throw error;
      const pixels = await process(bytes, true);
      if (pixels.data.every((value) => value === pixels.data[0])) throw error; // nothing was decoded
      return { ...pixels, incomplete: true };
    }
  };
}

/** Computes the square that the tower sees: a part of the picture resized as a whole. */
function squareOf(picture: RowSource, { size, resize, fit, resample = "bicubic" }: PixelSpec) {
  if (fit === "squash") return { width: size, height: size, left: 0, top: 0, size, resample };
  const liesOnSide = (picture.orientation ?? 1) >= 5;
  const [across, down] = liesOnSide ? [picture.height, picture.width] : [picture.width, picture.height];
  const other = Math.floor((resize * Math.max(across, down)) / Math.min(across, down));
  const [width, height] = across <= down ? [resize, other] : [other, resize];
  return { width, height, left: Math.floor((width - size) / 2), top: Math.floor((height - size) / 2), size, resample };
}
