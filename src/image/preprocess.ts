import type { EncoderConfig } from "../config/encoder.ts";
import { EncoderError } from "../errors.ts";
import { decodeToRgb } from "./decode.ts";
import { createHeicReader } from "./heic.ts";
import type { PixelSpec, Pixels } from "./pixels.ts";
import { createPlainPreprocessor, squareOf } from "./plain-jpeg.ts";
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
  const processPlain = createPlainPreprocessor(spec, { maxImagePixels, resize });
  const resized = (picture: RowSource) => ({ data: resize(picture, squareOf(picture, spec)), size: spec.size });
  const process = async (bytes: Uint8Array, allowDamage: boolean) =>
    resized(rowsOf(await decodeToRgb(bytes, spec, { maxImagePixels, allowDamage, readHeic })));
  return async (bytes) => {
    const data = processPlain(bytes);
    if (data) return { data, size: spec.size };
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
