import { decodeToRgb } from "./decode.ts";
import type { PixelSpec, Pixels } from "./pixels.ts";
import { createResizer } from "./resize.ts";
import type { ReadOptions } from "./vips.ts";

/**
 * Encoded image to what the tower takes: shortest side to `spec.resize`, centre crop of `spec.size`. It rejects with
 * EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE or IMAGE_UNREADABLE.
 */
export type Preprocessor = (bytes: Uint8Array) => Promise<Pixels>;

export function createPreprocessor(spec: PixelSpec, options: ReadOptions): Preprocessor {
  const resize = createResizer();
  return async (bytes) => {
    const image = await decodeToRgb(bytes, spec, options);
    return { data: resize(image, centreCrop(image.fullWidth, image.fullHeight, spec)), size: spec.size };
  };
}

/** From the original's dimensions: those of a picture that was shrunk on load round differently. */
function centreCrop(fullWidth: number, fullHeight: number, { size, resize }: PixelSpec) {
  const longest = Math.floor((resize * Math.max(fullWidth, fullHeight)) / Math.min(fullWidth, fullHeight));
  const [width, height] = fullWidth <= fullHeight ? [resize, longest] : [longest, resize];
  return { width, height, left: Math.floor((width - size) / 2), top: Math.floor((height - size) / 2), size };
}
