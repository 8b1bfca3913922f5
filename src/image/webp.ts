import { decodeToRgb } from "./decode.ts";
import { createHeicReader } from "./heic.ts";
import type { PreprocessOptions, Preprocessor } from "./preprocess.ts";
import { encodeWebp } from "./vips.ts";

/** Creates what turns an encoded image into a WebP in a square of `width` pixels, upright, on white, never larger. */
export function createWebpMaker(width: number, { maxImagePixels, heic = true }: PreprocessOptions): Preprocessor {
  const spec = { size: width, resize: width, background: [255, 255, 255] as const };
  const readHeic = heic ? createHeicReader() : undefined;
  return async (bytes) => {
    const picture = await decodeToRgb(bytes, spec, { maxImagePixels, allowDamage: false, readHeic });
    return { data: await encodeWebp(picture, width), size: width };
  };
}
