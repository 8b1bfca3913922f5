/**
 * Reads Windows bitmaps, which libvips does not. What is read is read to the bit as Pillow 13 reads it, its quirks
 * included; every other kind is refused by name. Every offset is checked against the file before it is used.
 */
import { EncoderError } from "../errors.ts";
import { readRunLengths } from "./bmp-runs.ts";
import type { Samples } from "./raster.ts";

export interface BmpHeader {
  width: number;
  height: number;
  topDown: boolean;
  /** The file says that it has alpha; most writers of 32 bits leave that byte 0 by accident. */
  hasAlpha: boolean;
  bitsPerPixel: number;
  /** The pixels begin at `offset`, and a row has `rowBytes` with its padding to 4 bytes. */
  offset: number;
  rowBytes: number;
  runs: "none" | "8 bits" | "4 bits";
  /** Three bytes (R, G, B) for each index; pixels of at most 8 bits are such indices. */
  palette: Uint8Array | undefined;
  /** Where red, green, blue and alpha lie in a pixel of 24 or 32 bits, or how many bits they have in one of 16. */
  layout: string;
}

const fileHeaderBytes = 14;
const coreHeaderBytes = 12; // of OS/2: 16-bit dimensions, 3-byte palette entries
const headerSizes = [coreHeaderBytes, 40, 52, 56, 64, 108, 124];
const encodings = { plain: 0, runs8: 1, runs4: 2, bitfields: 3 };
const mostPaletteColours = 65536;

/** Pillow knows these layouts of pixels, by bits and masks of red, green, blue and alpha (0 where there is none). */
const layouts: Readonly<Record<string, string>> = {
  "32:ff0000,ff00,ff,0": "BGRX",
  "32:ff000000,ff0000,ff00,0": "XBGR",
  "32:ff000000,ff00,ff,0": "BGXR",
  "32:ff000000,ff0000,ff00,ff": "ABGR",
  "32:ff,ff00,ff0000,ff000000": "RGBA",
  "32:ff0000,ff00,ff,ff000000": "BGRA",
  "32:ff000000,ff00,ff,ff0000": "BGAR",
  "32:0,0,0,0": "BGRA",
  "24:ff0000,ff00,ff": "BGR",
  "16:f800,7e0,1f": "565",
  "16:7c00,3e0,1f": "555",
};

/** @throws EncoderError IMAGE_UNREADABLE for what is broken, IMAGE_UNSUPPORTED for kinds that are not read. */
export function readBmpHeader(bytes: Uint8Array, { allowDamage = false } = {}): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  require(bytes.length >= fileHeaderBytes + coreHeaderBytes, "its header is cut short");
  const headerBytes = view.getUint32(fileHeaderBytes, true);
  if (!headerSizes.includes(headerBytes)) throw unsupported(`with a header of ${headerBytes} bytes`);
  require(bytes.length >= fileHeaderBytes + headerBytes, "its header is cut short");

  const isCore = headerBytes === coreHeaderBytes;
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = Math.abs(signedHeight);
  const bitsPerPixel = view.getUint16(isCore ? 24 : 28, true);
  const encoding = isCore ? encodings.plain : view.getUint32(30, true);
  require(width > 0 && height > 0, "its width or height is not positive");
  if (![1, 4, 8, 16, 24, 32].includes(bitsPerPixel)) throw unsupported(`of ${bitsPerPixel} bits a pixel`);
  if (encoding > encodings.bitfields) throw unsupported(`with compression ${encoding}`);

  const hasMasks = encoding === encodings.bitfields;
  const layout = hasMasks ? maskedLayout(view, headerBytes, bitsPerPixel) : plainLayout(bitsPerPixel);
  const colours = (isCore ? 0 : view.getUint32(46, true)) || 2 ** bitsPerPixel;
  const entryBytes = isCore ? 3 : 4;
  const tableAt = fileHeaderBytes + headerBytes;
  const headersEnd = tableAt + (hasMasks && headerBytes === 40 ? 12 : 0);
  const tableEnd = headersEnd + (bitsPerPixel <= 8 ? colours * entryBytes : 0);
  const header = {
    width,
    height,
    topDown: signedHeight < 0,
    hasAlpha: layout.includes("A"),
    bitsPerPixel,
    offset: pixelOffset(view.getUint32(10, true), { tableAt, headersEnd, tableEnd }),
    rowBytes: Math.ceil((width * bitsPerPixel) / 32) * 4,
    runs: encoding === encodings.runs8 ? "8 bits" : encoding === encodings.runs4 ? "4 bits" : "none",
    palette: bitsPerPixel <= 8 ? readPalette(bytes, { at: headersEnd, colours, entryBytes, bitsPerPixel }) : undefined,
    layout,
  } as const;
  if (header.runs !== "none" && bitsPerPixel > 8) throw unsupported(`with run lengths of ${bitsPerPixel} bits a pixel`);
  // The last row may lack its padding.
  const pixelBytes = header.rowBytes * (height - 1) + Math.ceil((width * bitsPerPixel) / 8);
  const isWhole = header.runs !== "none" || header.offset + pixelBytes <= bytes.length;
  require(isWhole || allowDamage, "its pixels are cut short");
  return header;
}

/** 0 stands for "right behind the headers", and so does, with a palette, an offset that leaves no room for it. */
function pixelOffset(offset: number, ends: { tableAt: number; headersEnd: number; tableEnd: number }): number {
  if (offset === 0) return ends.tableEnd;
  if (offset === ends.tableAt && ends.tableEnd > ends.headersEnd) return ends.tableEnd;
  require(offset >= ends.headersEnd, `its pixels are said to begin at byte ${offset}, within its header`);
  return offset;
}

function plainLayout(bitsPerPixel: number): string {
  return { 16: "555", 24: "BGR", 32: "BGRX" }[bitsPerPixel] ?? "";
}

/** Masks stand in the header or, behind one of 40 bytes, after it. Only longer headers have one for alpha. */
function maskedLayout(view: DataView, headerBytes: number, bitsPerPixel: number): string {
  require(view.byteLength >= 66, "its header is cut short");
  const masks = [54, 58, 62].map((at) => view.getUint32(at, true));
  if (bitsPerPixel === 32) masks.push(headerBytes >= 56 ? view.getUint32(66, true) : 0);
  const spelled = masks.map((mask) => mask.toString(16)).join();
  const layout = layouts[`${bitsPerPixel}:${spelled}`];
  if (!layout) throw unsupported(`of ${bitsPerPixel} bits a pixel with the masks ${spelled}`);
  return layout;
}

/** Reads the palette. Where it says just what the indices say, such as a grey ramp, Pillow takes the pixels. */
function readPalette(
  bytes: Uint8Array,
  { at, colours, entryBytes, bitsPerPixel }: { at: number; colours: number; entryBytes: number; bitsPerPixel: number },
): Uint8Array {
  if (colours > mostPaletteColours) throw unsupported(`with a palette of ${colours} colours`);
  const entry = (index: number) => bytes.subarray(at + index * entryBytes, at + index * entryBytes + 3);
  const isGrey = (shade: number, index: number) =>
    entry(index).length === 3 && entry(index).every((part) => part === shade);
  const shades = colours === 2 ? [0, 255] : Array.from({ length: Math.min(colours, 257) }, (_, index) => index);
  if (shades.every(isGrey)) {
    const bits = colours <= 2 ? 1 : 8;
    if (bits !== bitsPerPixel) throw unsupported(`of ${bitsPerPixel} bits a pixel with a palette of ${colours} greys`);
    return Uint8Array.from({ length: 3 * 2 ** bits }, (_, i) => (bits === 1 ? 255 : 1) * Math.floor(i / 3));
  }
  if (colours > 256) throw unsupported(`with a palette of ${colours} colours`);
  const palette = new Uint8Array(3 * 256);
  for (let index = 0; index < colours; index++) {
    const [blue = 0, green = 0, red = 0] = entry(index); // the file may end before its palette does
    palette.set([red, green, blue], index * 3);
  }
  return palette;
}

/** Reads the pixels behind a header of the same bytes: R G B, or R G B A where the header says that there is alpha. */
export function readBmpPixels(bytes: Uint8Array, header: BmpHeader): Samples {
  const { width, height, palette, bitsPerPixel } = header;
  const channels = header.hasAlpha ? 4 : 3;
  const data = new Uint8Array(width * height * channels);
  if (header.runs !== "none") {
    const indices = readRunLengths(bytes, header);
    if (!indices) throw broken("its pixels are cut short");
    return { data: coloursOf(indices, header), width, height, channels };
  }
  const readRow = palette ? indexedRow(header) : bitsPerPixel === 16 ? shortRow(header) : byteRow(header.layout);
  const rowLength = width * channels;
  for (let y = 0; y < height; y++) {
    const row = header.offset + (header.topDown ? y : height - 1 - y) * header.rowBytes;
    readRow(bytes.subarray(row, row + header.rowBytes), data.subarray(y * rowLength, (y + 1) * rowLength));
  }
  return { data, width, height, channels };
}

/** Looks up run-length indices, one a byte in the file's order of rows, in the palette. */
function coloursOf(indices: Uint8Array, { width, height, topDown, palette }: BmpHeader): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = (topDown ? y : height - 1 - y) * width;
    for (let x = 0; x < width; x++, to += 3) {
      const colour = indices[row + x]! * 3;
      data.set(palette!.subarray(colour, colour + 3), to);
    }
  }
  return data;
}

/** Turns one row of the file into one of the picture. */
type RowReader = (row: Uint8Array, out: Uint8Array) => void;

/** Pixels of 24 and 32 bits have a byte a channel. */
function byteRow(layout: string): RowReader {
  const places = [...(layout.includes("A") ? "RGBA" : "RGB")].map((channel) => layout.indexOf(channel));
  return (row, out) => {
    for (let from = 0, to = 0; to < out.length; from += layout.length) {
      for (const place of places) out[to++] = row[from + place]!;
    }
  };
}

/** Pixels of 1, 4 or 8 bits are indices into the palette; what lies beyond it is black. */
function indexedRow({ bitsPerPixel, palette }: BmpHeader): RowReader {
  const perByte = 8 / bitsPerPixel;
  const mask = (1 << bitsPerPixel) - 1;
  return (row, out) => {
    for (let x = 0, to = 0; to < out.length; x++, to += 3) {
      const shift = 8 - bitsPerPixel * ((x % perByte) + 1);
      const colour = ((row[Math.floor(x / perByte)]! >> shift) & mask) * 3;
      for (let channel = 0; channel < 3; channel++) out[to + channel] = palette![colour + channel]!;
    }
  };
}

/** Pixels of 16 bits have 5 of red, 5 or 6 of green and 5 of blue, which are scaled to 8. */
function shortRow({ layout }: BmpHeader): RowReader {
  const greenBits = layout === "565" ? 6 : 5;
  const mostGreen = (1 << greenBits) - 1;
  return (row, out) => {
    for (let from = 0, to = 0; to < out.length; from += 2, to += 3) {
      const pixel = row[from]! | (row[from + 1]! << 8);
      out[to] = (((pixel >> (5 + greenBits)) & 31) * 255) / 31;
      out[to + 1] = (((pixel >> 5) & mostGreen) * 255) / mostGreen;
      out[to + 2] = ((pixel & 31) * 255) / 31;
    }
  };
}

function require(condition: boolean, fault: string): asserts condition {
  if (!condition) throw broken(fault);
}

function broken(fault: string): EncoderError {
  return new EncoderError("IMAGE_UNREADABLE", `The BMP image is truncated or corrupt: ${fault}.`);
}

function unsupported(kind: string): EncoderError {
  const read = "1, 4, 8, 16, 24 or 32 bits a pixel in the usual layouts, plain or with run lengths";
  return new EncoderError("IMAGE_UNSUPPORTED", `Expected a BMP image of ${read}, received one ${kind}; send a PNG.`);
}
