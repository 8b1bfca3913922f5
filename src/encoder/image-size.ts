import { readBmpHeader } from "../image/bmp.ts";
import { findPreview } from "../image/camera-raw.ts";
import { imageFormat } from "../image/format.ts";
import { firstFrame } from "../image/gif.ts";
import { heifSize } from "../image/heif-boxes.ts";
import { firstValue } from "../image/tiff.ts";
import { readDirectories } from "../image/tiff-directory.ts";

export interface ImageSize {
  width: number;
  height: number;
}

const tiffTags = { width: 256, height: 257 };

/**
 * Reads width and height as an image file states them, before any turning, of every format that is decoded. Nothing is
 * decoded; the size is unknown where a file ends before it says.
 */
export function imageSize(bytes: Uint8Array): ImageSize | undefined {
  try {
    const size = statedSize(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return size && size.width > 0 && size.height > 0 ? size : undefined;
  } catch {
    return undefined; // The header ends early, or is of no kind that is read.
  }
}

function statedSize(file: Buffer): ImageSize | undefined {
  switch (imageFormat(file)) {
    case "JPEG":
      return jpegSize(file);
    case "PNG":
      return { width: file.readUInt32BE(16), height: file.readUInt32BE(20) };
    case "WebP":
      return webpSize(file);
    case "GIF":
      return gifSize(file);
    case "AVIF":
    case "HEIC":
      return heifSize(file);
    case "TIFF":
      return tiffSize(file);
    case "BMP":
      return bmpSize(file);
  }
}

/** Gives the screen's size, or the first frame's where that is larger or the screen has none. */
function gifSize(file: Buffer): ImageSize {
  const frame = firstFrame(file);
  return frame
    ? { width: frame.screenWidth, height: frame.screenHeight }
    : { width: file.readUInt16LE(6), height: file.readUInt16LE(8) };
}

function webpSize(file: Buffer): ImageSize {
  const chunk = file.toString("latin1", 12, 16);
  if (chunk === "VP8 ") return { width: file.readUInt16LE(26) & 0x3fff, height: file.readUInt16LE(28) & 0x3fff };
  if (chunk === "VP8X") return { width: 1 + file.readUIntLE(24, 3), height: 1 + file.readUIntLE(27, 3) };
  const bits = file.readUInt32LE(21); // VP8L has 14 bits for each.
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}

/** Gives the size of the first picture; of a camera's raw file, that of the preview which is decoded. */
function tiffSize(file: Buffer): ImageSize | undefined {
  const preview = findPreview(file)?.jpeg;
  if (preview) return jpegSize(Buffer.from(preview.buffer, preview.byteOffset, preview.byteLength));
  const directory = readDirectories(file).directories[0] ?? new Map();
  const [width, height] = [firstValue(directory, tiffTags.width), firstValue(directory, tiffTags.height)];
  return width && height ? { width, height } : undefined;
}

function bmpSize(file: Buffer): ImageSize {
  const { width, height } = readBmpHeader(file, { allowDamage: true });
  return { width, height };
}

/** Goes from marker to marker, to the first that starts a frame. */
function jpegSize(file: Buffer): ImageSize | undefined {
  for (let at = 2; at + 9 <= file.length; ) {
    if (file[at] !== 0xff) return undefined;
    const marker = file[at + 1]!;
    if (marker === 0xff) {
      at++; // a fill byte
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: file.readUInt16BE(at + 7), height: file.readUInt16BE(at + 5) };
    at += 2 + file.readUInt16BE(at + 2);
  }
  return undefined;
}
