/**
 * Uncompressed Windows bitmaps, which libvips does not read: 1, 4, 8, 16, 24 and 32 bits a pixel. Every offset is
 * checked against the file before it is used. Alpha is ignored: most writers leave that byte 0 by accident.
 */
import { EncoderError } from "../errors.ts";
import type { Raster } from "./raster.ts";

export interface BmpHeader {
  width: number;
  height: number;
  bitsPerPixel: number;
  topDown: boolean;
  /** Of the pixels in the file, and of one row with its padding to 4 bytes. */
  offset: number;
  rowBytes: number;
  palette: { offset: number; colours: number; entryBytes: number };
  /** Of red, green and blue in a pixel of 16 or 32 bits. */
  masks: [number, number, number];
}

const fileHeaderBytes = 14;
const compression = { none: 0, bitfields: 3, alphaBitfields: 6 };

/** @throws EncoderError IMAGE_UNREADABLE, or IMAGE_UNSUPPORTED for run-length and embedded encodings. */
export function readBmpHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  require(bytes.length >= fileHeaderBytes + 12);
  const headerBytes = view.getUint32(14, true);
  const isCore = headerBytes === 12; // the OS/2 header: 16-bit dimensions, 3-byte palette entries
  require(isCore || (headerBytes >= 40 && headerBytes <= 124 && bytes.length >= fileHeaderBytes + headerBytes));

  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  const bitsPerPixel = view.getUint16(isCore ? 24 : 28, true);
  const encoding = isCore ? compression.none : view.getUint32(30, true);
  require(width > 0 && height > 0 && [1, 4, 8, 16, 24, 32].includes(bitsPerPixel));
  const hasMasks = encoding === compression.bitfields || encoding === compression.alphaBitfields;
  if (encoding !== compression.none && !hasMasks) {
    throw new EncoderError("IMAGE_UNSUPPORTED", "Expected an uncompressed BMP image, received a compressed one.");
  }
  require(!hasMasks || ((bitsPerPixel === 16 || bitsPerPixel === 32) && bytes.length >= 66));

  const offset = view.getUint32(10, true);
  const rowBytes = Math.ceil((width * bitsPerPixel) / 32) * 4;
  require(offset + rowBytes * height <= bytes.length);
  const most = bitsPerPixel <= 8 ? 1 << bitsPerPixel : 0;
  const palette = {
    offset: fileHeaderBytes + headerBytes,
    colours: isCore ? most : Math.min(view.getUint32(46, true) || most, most),
    entryBytes: isCore ? 3 : 4,
  };
  require(palette.offset + palette.colours * palette.entryBytes <= bytes.length);
  const masks: BmpHeader["masks"] = hasMasks
    ? [view.getUint32(54, true), view.getUint32(58, true), view.getUint32(62, true)]
    : bitsPerPixel === 16
      ? [0x7c00, 0x3e0, 0x1f]
      : [0xff0000, 0xff00, 0xff];
  return { width, height, bitsPerPixel, topDown: signedHeight < 0, offset, rowBytes, palette, masks };
}

/** The pixels behind a header of the same bytes. */
export function readBmpPixels(bytes: Uint8Array, header: BmpHeader): Raster {
  const { width, height } = header;
  const data = new Uint8Array(width * height * 3);
  const readRow =
    header.bitsPerPixel <= 8 ? indexedRow(bytes, header) : header.bitsPerPixel === 24 ? plainRow : maskedRow(header);
  for (let y = 0; y < height; y++) {
    const row = header.offset + (header.topDown ? y : height - 1 - y) * header.rowBytes;
    readRow({ bytes, row, out: data.subarray(y * width * 3, (y + 1) * width * 3) });
  }
  return { data, width, height };
}

/** One row: from `row` in `bytes` to `out`, 3 bytes a pixel. */
interface RowOptions {
  bytes: Uint8Array;
  row: number;
  out: Uint8Array;
}

function plainRow({ bytes, row, out }: RowOptions): void {
  for (let i = 0; i < out.length; i += 3) {
    out[i] = bytes[row + i + 2]!;
    out[i + 1] = bytes[row + i + 1]!;
    out[i + 2] = bytes[row + i]!;
  }
}

/** 1, 4 or 8 bits: indices into the palette; what lies beyond it is black. */
function indexedRow(file: Uint8Array, { bitsPerPixel, palette }: BmpHeader): (options: RowOptions) => void {
  const colours = new Uint8Array(3 << bitsPerPixel);
  for (let index = 0; index < palette.colours; index++) {
    const entry = palette.offset + index * palette.entryBytes;
    colours.set([file[entry + 2]!, file[entry + 1]!, file[entry]!], index * 3);
  }
  const perByte = 8 / bitsPerPixel;
  const mask = (1 << bitsPerPixel) - 1;
  return ({ bytes, row, out }) => {
    for (let x = 0, to = 0; to < out.length; x++, to += 3) {
      const shift = 8 - bitsPerPixel * ((x % perByte) + 1);
      const colour = ((bytes[row + Math.floor(x / perByte)]! >> shift) & mask) * 3;
      out[to] = colours[colour]!;
      out[to + 1] = colours[colour + 1]!;
      out[to + 2] = colours[colour + 2]!;
    }
  };
}

/** 16 or 32 bits: each channel's bits are cut out by its mask and scaled to 8. */
function maskedRow({ masks, bitsPerPixel }: BmpHeader): (options: RowOptions) => void {
  const pixelBytes = bitsPerPixel / 8;
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, most: mask >>> shift };
  });
  return ({ bytes, row, out }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < out.length; i += 3) {
      const at = row + (i / 3) * pixelBytes;
      const pixel = pixelBytes === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
      channels.forEach(({ mask, shift, most }, channel) => {
        out[i + channel] = most === 0 ? 0 : (((pixel & mask) >>> shift) * 255) / most;
      });
    }
  };
}

function require(condition: boolean): asserts condition {
  if (!condition) throw new EncoderError("IMAGE_UNREADABLE", "The BMP image is truncated or corrupt.");
}
