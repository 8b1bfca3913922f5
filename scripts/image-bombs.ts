/**
 * Small files that claim, or unpack to, as much as each format allows; files that break a format's rules;
 * impostors.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { crc32, deflateRawSync, deflateSync } from "node:zlib";

export interface HostileImage {
  name: string;
  bytes: Buffer;
}

const fixtures = resolve(import.meta.dirname, "../test/fixtures/images");
const read = (file: string) => readFileSync(join(fixtures, file));

/** `side` is that of the largest square picture that is allowed. */
export function imageBombs(side: number): HostileImage[] {
  const all: Record<string, Buffer> = {
    ...pngBombs(side),
    ...jpegBombs(side),
    ...gifBombs(side),
    ...webpBombs(side),
    ...tiffBombs(side),
    ...avifBombs(),
    ...bmpBombs(side),
    ...impostors(),
  };
  return Object.entries(all).map(([name, bytes]) => ({ name, bytes }));
}

function pngBombs(side: number): Record<string, Buffer> {
  const zeros = (bytes: number) => deflateSync(Buffer.alloc(bytes), { level: 9 });
  const tiny = [pngChunk("IDAT", zeros(4)), pngChunk("IEND")];
  const text = Buffer.concat([Buffer.from("a\0\0"), zeros(100_000_000)]);
  return {
    "png of 2^31 pixels a side": png(0x7fffffff, 0x7fffffff, tiny),
    "png of 100,000 pixels a side": png(100_000, 100_000, tiny),
    "png of no width": png(0, 10, tiny),
    "png just too large": png(side + 1, side + 1, tiny),
    "png 1,000,000 wide": png(1_000_000, 1, [pngChunk("IDAT", zeros(3_000_001)), pngChunk("IEND")]),
    "png of the largest size, all zeros": png(side, side, [pngChunk("IDAT", zeros(side * (side * 3 + 1)))]),
    "png of the largest size, 16 bits, alpha": png(side, side, [pngChunk("IDAT", zeros(side * (side * 8 + 1)))], {
      bits: 16,
      colour: 6,
    }),
    "png of the largest size, interlaced": png(side, side, [pngChunk("IDAT", zeros(side * (side * 3 + 8)))], {
      interlaced: true,
    }),
    "png with 200 MB behind its pixels": png(4, 4, [pngChunk("IDAT", zeros(200_000_000)), pngChunk("IEND")]),
    "png with a text of 100 MB": png(4, 4, [pngChunk("zTXt", text), pngChunk("IDAT", zeros(52)), pngChunk("IEND")]),
    "png with a profile of 100 MB": png(4, 4, [pngChunk("iCCP", text), pngChunk("IDAT", zeros(52)), pngChunk("IEND")]),
    "png of 50,000 empty chunks": png(4, 4, [...Array(50_000).fill(pngChunk("IDAT")), pngChunk("IDAT", zeros(52))]),
    "png without pixels": png(4, 4, [pngChunk("IEND")]),
    "png of palette indices without palette": png(4, 4, tiny, { bits: 8, colour: 3 }),
  };
}

function png(
  width: number,
  height: number,
  chunks: Buffer[],
  { bits = 8, colour = 2, interlaced = false } = {},
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colour, 0, 0, interlaced ? 1 : 0], 8);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), pngChunk("IHDR", header), ...chunks]);
}

function pngChunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const named = Buffer.concat([Buffer.from(type), data]);
  return Buffer.concat([uint32(data.length), named, uint32(crc32(named))]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

function jpegBombs(side: number): Record<string, Buffer> {
  const plain = read("icc.jpg");
  const progressive = readFileSync(join(fixtures, "../golden/images/progressive.jpg"));
  const sized = (bytes: Buffer, width: number, height: number) => {
    const copy = Buffer.from(bytes);
    const frame = findMarker(copy, [0xc0, 0xc2]);
    copy.writeUInt16BE(height, frame + 5);
    copy.writeUInt16BE(width, frame + 7);
    return copy;
  };
  const lastScan = progressive.subarray(progressive.lastIndexOf(Buffer.from([0xff, 0xda])), -2);
  const scans = (times: number) => Buffer.concat([progressive.subarray(0, -2), ...Array(times).fill(lastScan)]);
  const segment = (marker: number, bytes: number) =>
    Buffer.concat([Buffer.from([0xff, marker, (bytes + 2) >> 8, (bytes + 2) & 255]), Buffer.alloc(bytes)]);
  const withSegments = (times: number, marker: number, bytes: number) =>
    Buffer.concat([plain.subarray(0, 2), ...Array(times).fill(segment(marker, bytes)), plain.subarray(2)]);
  const largest = Math.min(side, 65_500);
  return {
    "jpeg of 65,535 pixels a side": sized(plain, 65_535, 65_535),
    "jpeg 65,535 wide": sized(plain, 65_535, 1),
    "jpeg 65,535 high": sized(plain, 1, 65_535),
    "jpeg of no height": sized(plain, 40, 0),
    "jpeg of the largest size that ends at once": sized(plain, largest, largest),
    "progressive jpeg of the largest size that ends at once": sized(progressive, largest, largest),
    "progressive jpeg of 15 MB of scans": scans(Math.floor(15_000_000 / lastScan.length)),
    "progressive jpeg of the largest size and 500 scans": sized(scans(500), largest, largest),
    "jpeg of 3,000 comments": withSegments(3_000, 0xfe, 5_000),
    "jpeg of 3,000 EXIF segments": withSegments(3_000, 0xe1, 1_000),
    "jpeg of 60,000 empty segments": withSegments(60_000, 0xe5, 0),
    "jpeg of start markers": Buffer.alloc(1_000_000, Buffer.from([0xff, 0xd8])),
    "jpeg of fill bytes": Buffer.concat([plain.subarray(0, 2), Buffer.alloc(5_000_000, 0xff), plain.subarray(2)]),
  };
}

function findMarker(jpeg: Buffer, markers: number[]): number {
  for (let at = 2; at < jpeg.length; at += 2 + jpeg.readUInt16BE(at + 2)) {
    if (markers.includes(jpeg[at + 1]!)) return at;
  }
  throw new Error("the fixture has no such marker");
}

function gifBombs(side: number): Record<string, Buffer> {
  const largest = Math.min(side, 65_535);
  const frame = gifFrame(1, 1);
  return {
    "gif of 65,535 pixels a side": gif(65_535, 65_535, [gifFrame(65_535, 65_535)]),
    "gif of the largest size": gif(largest, largest, [gifFrame(largest, largest)]),
    "gif whose frame is larger than its screen": gif(10, 10, [gifFrame(65_535, 65_535)]),
    "gif of no size": gif(0, 0, [gifFrame(0, 0)]),
    "gif of 100,000 frames": gif(100, 100, Array(100_000).fill(frame)),
    "gif of the largest size and 5,000 frames": gif(largest, largest, Array(5_000).fill(gifFrame(largest, largest))),
    "gif with an endless comment": gif(10, 10, [Buffer.from([0x21, 0xfe]), Buffer.alloc(3_000_000, 255)]),
    "gif without frames": gif(10, 10, []),
  };
}

function gif(width: number, height: number, blocks: Buffer[]): Buffer {
  const screen = Buffer.from("GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff", "latin1"); // a palette of black and white
  screen.writeUInt16LE(width, 6);
  screen.writeUInt16LE(height, 8);
  return Buffer.concat([screen, ...blocks, Buffer.from([0x3b])]);
}

/** Makes a frame whose data ends after its first pixel. */
function gifFrame(width: number, height: number): Buffer {
  const frame = Buffer.from([0x2c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0x44, 1, 0]);
  frame.writeUInt16LE(width, 5);
  frame.writeUInt16LE(height, 7);
  return frame;
}

function webpBombs(side: number): Record<string, Buffer> {
  const lossless = read("orientation-5.webp");
  const pixels = lossless.subarray(lossless.indexOf("VP8L"));
  const largest = Math.min(side, 16_383);
  const resized = (width: number, height: number) => {
    const copy = Buffer.from(pixels);
    copy.writeUInt32LE(((width - 1) | ((height - 1) << 14)) >>> 0, 9); // 14 bits each, behind tag, size and 0x2f
    return copy;
  };
  const frame = webpChunk("ANMF", Buffer.concat([Buffer.alloc(16), pixels]));
  const canvas = (width: number, height: number) => {
    const data = Buffer.alloc(10);
    data[0] = 2; // animated
    data.writeUIntLE(width - 1, 4, 3);
    data.writeUIntLE(height - 1, 7, 3);
    return webpChunk("VP8X", data);
  };
  const loop = webpChunk("ANIM", Buffer.alloc(6));
  return {
    "webp of 16,384 pixels a side": webp([resized(16_384, 16_384)]),
    "webp of the largest size that ends at once": webp([resized(largest, largest)]),
    "webp with a canvas of 2^24 pixels a side": webp([canvas(2 ** 24, 2 ** 24), loop, frame]),
    "webp with a canvas of the largest size": webp([canvas(largest, largest), loop, frame]),
    "webp of 20,000 frames": webp([canvas(52, 40), loop, ...Array(20_000).fill(frame)]),
    "webp without chunks": webp([]),
    "webp whose chunk is longer than the file": webp([Buffer.from("VP8L\xff\xff\xff\x7f", "latin1")]),
  };
}

function webp(chunks: Buffer[]): Buffer {
  return webpChunk("RIFF", Buffer.concat([Buffer.from("WEBP"), ...chunks]));
}

function webpChunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type);
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

function tiffBombs(side: number): Record<string, Buffer> {
  const size = (width: number, height: number): TiffTag[] => [
    [256, width],
    [257, height],
    [258, 8],
    [262, 1],
    [277, 1],
  ];
  const strip = (offset: number, bytes: number, rows: number): TiffTag[] => [
    [273, offset],
    [278, rows],
    [279, bytes],
  ];
  const loop = tiff([...size(4, 4), ...strip(8, 16, 4)], 8);
  return {
    "tiff of 2^32 pixels a side": tiff([...size(0xffffffff, 0xffffffff), ...strip(8, 16, 1)]),
    "tiff of the largest size with one strip of 16 bytes": tiff([...size(side, side), ...strip(8, 16, side)]),
    "tiff whose strip lies behind the file": tiff([...size(40, 40), ...strip(0x7fffffff, 1600, 40)]),
    "tiff whose strip claims 4 GB": tiff([...size(40, 40), ...strip(8, 0xffffffff, 40)]),
    "tiff whose directory follows itself": loop,
    "tiff whose directory lies behind the file": Buffer.from("II*\0\xff\xff\xff\x7f", "latin1"),
    "tiff of 65,535 empty tags": Buffer.concat([
      Buffer.from("II*\0\x08\0\0\0\xff\xff", "latin1"),
      Buffer.alloc(786_420),
    ]),
    "tiff of 20,000 pages": tiffPages(20_000, size(4, 4)),
    "tiff in one tile of 2^31 pixels a side": tiff([
      ...size(40, 40),
      [322, 0x7ffffff0],
      [323, 0x7ffffff0],
      [324, 8],
      [325, 16],
    ]),
  };
}

type TiffTag = [tag: number, value: number];

function tiff(tags: TiffTag[], nextDirectory = 0): Buffer {
  return Buffer.concat([Buffer.from("II*\0\x08\0\0\0", "latin1"), tiffDirectory(tags, nextDirectory)]);
}

function tiffPages(pages: number, tags: TiffTag[]): Buffer {
  const bytes = tiffDirectory(tags, 0).length;
  const directories = Array.from({ length: pages }, (_, page) => tiffDirectory(tags, 8 + bytes * (page + 1)));
  return Buffer.concat([Buffer.from("II*\0\x08\0\0\0", "latin1"), ...directories]);
}

function tiffDirectory(tags: TiffTag[], nextDirectory: number): Buffer {
  const bytes = Buffer.alloc(2 + tags.length * 12 + 4);
  bytes.writeUInt16LE(tags.length);
  tags.forEach(([tag, value], i) => {
    const at = 2 + i * 12;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(4, at + 2); // LONG
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  });
  bytes.writeUInt32LE(nextDirectory, bytes.length - 4);
  return bytes;
}

function avifBombs(): Record<string, Buffer> {
  const plain = read("rgb.avif");
  const patched = (box: string, offset: number, value: number) => {
    const copy = Buffer.from(plain);
    copy.writeUInt32BE(value, copy.indexOf(box) + offset);
    return copy;
  };
  const nested = Buffer.concat(
    Array.from({ length: 20_000 }, (_, i) => Buffer.concat([uint32(160_000 - i * 8), Buffer.from("meta")])),
  );
  return {
    "avif that claims 2^31 pixels a side": (() => {
      const copy = patched("ispe", 8, 0x7fffffff);
      copy.writeUInt32BE(0x7fffffff, copy.indexOf("ispe") + 12);
      return copy;
    })(),
    "avif that claims 30,000 pixels": patched("ispe", 8, 30_000),
    "avif whose box claims 4 GB": patched("meta", -4, 0xffffffff),
    "avif whose box has no length": patched("mdat", -4, 0),
    "avif of 20,000 nested boxes": Buffer.concat([plain.subarray(0, plain.readUInt32BE(0)), nested]),
    "avif of nothing but its brand": plain.subarray(0, plain.readUInt32BE(0)),
  };
}

function bmpBombs(side: number): Record<string, Buffer> {
  const patched = (...numbers: [offset: number, value: number][]) => {
    const copy = Buffer.from(read("bits-8.bmp"));
    for (const [offset, value] of numbers) copy.writeUInt32LE(value >>> 0, offset);
    return copy;
  };
  return {
    "bmp of 2^31 pixels a side": patched([18, 0x7fffffff], [22, 0x7fffffff]),
    "bmp of negative size": patched([18, -1], [22, 0x80000000]),
    "bmp of the largest size without pixels": patched([18, side], [22, side]),
    "bmp whose pixels lie behind the file": patched([10, 0xfffffff0]),
    "bmp of 2^32 colours": patched([46, 0xffffffff]),
    "bmp of run lengths": patched([30, 1]),
    "bmp with a header of 4 GB": patched([14, 0xffffffff]),
    "bmp of 1 bit and 2^31 pixels": patched([28, 1], [18, 0x7fffffff], [22, 1]),
  };
}

function impostors(): Record<string, Buffer> {
  const entities = Array.from({ length: 9 }, (_, i) => `<!ENTITY x${i + 1} "${`&x${i};`.repeat(10)}">`).join("");
  const texts: Record<string, string> = {
    "a million laughs in SVG": `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x0 "ha">${entities}]><svg>&x9;</svg>`,
    "an SVG that reads a file": '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "a PDF": "%PDF-1.7\n1 0 obj",
    "an HTML page": "<!doctype html><title>x</title>",
    "a text that starts like a BMP": "BMW is a maker of cars, and this is no bitmap.",
    "a GIF signature and an SVG": 'GIF89a<svg xmlns="http://www.w3.org/2000/svg"/>',
    "an ImageMagick script": "push graphic-context\nviewbox 0 0 640 480\nimage over 0,0 0,0 'label:@/etc/passwd'",
    "a libvips header": "\x08\xf2\xa6\xb6\0\0\x0f\xff\0\0\x0f\xff",
    "a PPM": "P6 100000 100000 255\n",
    "an HDR": "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 100000 +X 100000\n",
  };
  const named = Object.entries(texts).map(([name, text]) => [name, Buffer.from(text, "latin1")] as const);
  return {
    ...Object.fromEntries(named),
    "raw deflate": deflateRawSync(Buffer.alloc(10_000_000)),
    zeros: Buffer.alloc(1_000_000),
    "one byte": Buffer.from([0xff]),
    nothing: Buffer.alloc(0),
  };
}
