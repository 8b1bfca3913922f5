import { EncoderError } from "../errors.ts";
import type { Raster } from "./raster.ts";

type Colour = readonly [number, number, number];

const extension = 0x21;
const graphicControl = 0xf9;
const imageDescriptor = 0x2c;

export interface FirstFrame {
  /** Place on the screen. */
  left: number;
  top: number;
  width: number;
  height: number;
  /** Size of the screen, or more where the frame reaches beyond it. */
  screenWidth: number;
  screenHeight: number;
  hasTransparency: boolean;
  /** Colour of transparent pixels in the palette, and of the screen around an opaque frame. */
  transparent: Colour;
}

/**
 * Finds what Pillow shows and libvips does not tell: where the first frame lies, and in what colour its transparent
 * pixels are when alpha is dropped (the palette's first where none is transparent). It reads block headers only.
 * @returns undefined where no frame of any size is found.
 * @throws EncoderError IMAGE_UNSUPPORTED where there is no palette.
 */
export function firstFrame(bytes: Uint8Array): FirstFrame | undefined {
  const byte = (at: number) => bytes[at] ?? 0;
  const word = (at: number) => byte(at) + byte(at + 1) * 256;
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + tableBytes(byte(10)); // behind the header and the global palette
  let transparent: number | undefined;
  while (byte(at) === extension) {
    if (byte(at + 1) === graphicControl && byte(at + 3) & 1) transparent = byte(at + 6);
    at += 2;
    while (byte(at) !== 0) at += 1 + byte(at); // sub-blocks: length, data; a length of 0 ends them
    at += 1;
  }
  if (byte(at) !== imageDescriptor) return undefined;
  const hasOwnPalette = tableBytes(byte(at + 9)) > 0;
  if (!hasOwnPalette && tableBytes(byte(10)) === 0) {
    const message = "Expected a GIF image with a palette, received one without; send a PNG of it.";
    throw new EncoderError("IMAGE_UNSUPPORTED", message);
  }
  const entry = (hasOwnPalette ? at + 10 : 13) + (transparent ?? 0) * 3;
  const [left, top, width, height] = [word(at + 1), word(at + 3), word(at + 5), word(at + 7)];
  if (width === 0 || height === 0) return undefined; // libvips knows what to say of it
  return {
    ...{ left, top, width, height },
    screenWidth: Math.max(word(6), left + width),
    screenHeight: Math.max(word(8), top + height),
    hasTransparency: transparent !== undefined,
    transparent: [byte(entry), byte(entry + 1), byte(entry + 2)],
  };
}

/**
 * Lays the first frame on the whole screen. libvips leaves the screen around an opaque frame black, and cuts screens
 * off that it finds unlikely, such as 640 x 480 around a smaller frame.
 */
export function onScreen(picture: Raster, frame: FirstFrame, colour: Colour): Raster {
  const { screenWidth: width, screenHeight: height } = frame;
  const data = Buffer.alloc(width * height * 3, Uint8Array.from(colour));
  const right = Math.min(frame.left + frame.width, picture.width);
  const bottom = Math.min(frame.top + frame.height, picture.height);
  for (let y = frame.top; y < bottom; y++) {
    const row = picture.data.subarray((y * picture.width + frame.left) * 3, (y * picture.width + right) * 3);
    data.set(row, (y * width + frame.left) * 3);
  }
  return { data, width, height };
}
