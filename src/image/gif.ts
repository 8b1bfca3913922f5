import { EncoderError } from "../errors.ts";
import type { Raster } from "./raster.ts";

type Colour = [number, number, number];

const extension = 0x21;
const graphicControl = 0xf9;
const imageDescriptor = 0x2c;
/** On one side, by 16 bits. */
const mostPixels = 0xffff;

export interface FirstFrame {
  /** Where it lies on the screen. */
  left: number;
  top: number;
  width: number;
  height: number;
  /** The palette's colour of its transparent pixels, and of the screen around an opaque frame. */
  transparent: Colour;
}

/**
 * What Pillow shows and libvips does not tell: where the first frame lies, and in what colour its transparent pixels are when
 * alpha is dropped (the palette's first where none is transparent). Reads block headers only; where no frame
 * is found, it is as large as can be.
 */
export function firstFrame(bytes: Uint8Array): FirstFrame {
  const byte = (at: number) => bytes[at] ?? 0;
  const word = (at: number) => byte(at) + byte(at + 1) * 256;
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + tableBytes(byte(10)); // behind the header and the global palette
  let transparent = 0;
  while (byte(at) === extension) {
    if (byte(at + 1) === graphicControl && byte(at + 3) & 1) transparent = byte(at + 6);
    at += 2;
    while (byte(at) !== 0) at += 1 + byte(at); // sub-blocks: length, data; a length of 0 ends them
    at += 1;
  }
  const isFrame = byte(at) === imageDescriptor;
  const hasOwnPalette = isFrame && tableBytes(byte(at + 9)) > 0;
  if (isFrame && !hasOwnPalette && tableBytes(byte(10)) === 0) {
    const message = "Expected a GIF image with a palette, received one without; send a PNG of it.";
    throw new EncoderError("IMAGE_UNSUPPORTED", message);
  }
  const entry = (hasOwnPalette ? at + 10 : 13) + transparent * 3;
  const place = isFrame
    ? { left: word(at + 1), top: word(at + 3), width: word(at + 5), height: word(at + 7) }
    : { left: 0, top: 0, width: mostPixels, height: mostPixels };
  return {
    ...place,
    transparent: [byte(entry), byte(entry + 1), byte(entry + 2)],
  };
}

/** Paints the screen around an opaque first frame, which libvips leaves black. `data` holds R G B. */
export function paintAround({ data, width, height }: Raster, { left, top, transparent, ...size }: FirstFrame): void {
  const [red, green, blue] = transparent;
  const right = left + size.width;
  for (let y = 0, to = 0; y < height; y++) {
    const isBeside = y >= top && y < top + size.height;
    for (let x = 0; x < width; x++, to += 3) {
      if (isBeside && x >= left && x < right) continue;
      data[to] = red;
      data[to + 1] = green;
      data[to + 2] = blue;
    }
  }
}
