import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { readJpegFrame, readJpegHeader } from "../../src/image/jpeg-header.ts";

const picture = () => sharp({ create: { width: 34, height: 21, channels: 3, background: "teal" } });
const baseline = await picture().jpeg().toBuffer();
const inks = await picture().toColourspace("cmyk").jpeg().toBuffer();

/** Puts bytes behind the first marker of a JPEG. */
const withSegment = (...bytes: number[]) =>
  Buffer.concat([baseline.subarray(0, 2), Buffer.from(bytes), baseline.subarray(2)]);
const frameAt = (file: Buffer) => file.indexOf(Buffer.from([0xff, 0xc0]));
const withByte = (offset: number, byte: number) => {
  const file = Buffer.from(baseline);
  file[frameAt(file) + offset] = byte;
  return file;
};

describe("readJpegFrame", () => {
  it.each([
    ["baseline", picture().jpeg()],
    ["progressive", picture().jpeg({ progressive: true })],
    ["grey", picture().greyscale().jpeg()],
    ["without smaller colours", picture().jpeg({ chromaSubsampling: "4:4:4" })],
    ["with EXIF and a profile", picture().keepIccProfile().withMetadata({ orientation: 6 }).jpeg()],
  ])("reads what libvips reads of a JPEG that is %s", async (_, image) => {
    const file = await image.toBuffer();
    const { width, height, depth, hasAlpha, isProgressive } = await sharp(file).metadata();
    expect({ depth, hasAlpha }).toEqual({ depth: "uchar", hasAlpha: false });
    expect(readJpegFrame(file)).toEqual({ width, height, isPlain: true, isProgressive: isProgressive ?? false });
  });

  it("skips comments and tables", () => {
    expect(readJpegFrame(withSegment(0xff, 0xfe, 0, 4, 0xff, 0xc0))).toMatchObject({ width: 34, height: 21 });
  });

  it.each([
    ["four inks", inks],
    ["12 bits", withByte(4, 12)],
    ["two components", withByte(9, 2)],
    ["a height that follows later", withByte(6, 0)],
    ["an arithmetic code", withByte(1, 0xc9)],
    ["filling before a marker", withSegment(0xff)],
    ["a scan before its frame", withSegment(0xff, 0xda, 0, 2)],
    ["a restart before its frame", withSegment(0xff, 0xd0)],
    ["a frame that is cut off", baseline.subarray(0, frameAt(baseline) + 9)],
    ["nothing", Buffer.alloc(0)],
  ])("leaves a JPEG with %s to libvips", (_, file) => {
    expect(readJpegFrame(file)).toBeUndefined();
  });

  it("knows how wide a JPEG may be for libjpeg", () => {
    const wide = withByte(7, 65500 >> 8);
    wide[frameAt(wide) + 8] = 65500 & 255;
    expect(readJpegFrame(wide)).toMatchObject({ width: 65500, height: 21 });
    wide[frameAt(wide) + 8]!++;
    expect(readJpegFrame(wide)).toBeUndefined();
  });

  it("ends in a segment whose length is a lie", () => {
    expect(readJpegFrame(withSegment(0xff, 0xe0, 0xff, 0xff))).toBeUndefined();
    expect(readJpegFrame(withSegment(0xff, 0xe0, 0, 0))).toBeUndefined();
  });
});

describe("readJpegHeader", () => {
  /** Puts a directory of one entry behind the first marker. */
  const withExif = (entry: number[], { head = "Exif\0\0", magic = [0x4d, 0x4d, 0, 42] } = {}) => {
    const tiff = [...magic, 0, 0, 0, 8, 0, 1, ...entry, 0, 0, 0, 0];
    return withSegment(0xff, 0xe1, 0, 2 + head.length + tiff.length, ...Buffer.from(head), ...tiff);
  };
  const orientation = (value: number, { tag = 274, type = 3, count = 1 } = {}) => [
    ...[tag >> 8, tag & 255, 0, type, 0, 0, 0, count],
    ...[0, value, 0, 0],
  ];

  it("knows how a picture lies", () => {
    expect(readJpegHeader(baseline)?.orientation).toBe(1);
    for (const value of [1, 3, 6, 8]) expect(readJpegHeader(withExif(orientation(value)))?.orientation).toBe(value);
    expect(readJpegHeader(withExif(orientation(0)))?.orientation).toBe(1);
    expect(readJpegHeader(withExif(orientation(6, { tag: 305 })))?.orientation).toBe(1);
    const little = [0x12, 1, 3, 0, 1, 0, 0, 0, 8, 0, 0, 0];
    const littleFile = withExif(little, { magic: [0x49, 0x49, 42, 0] });
    littleFile.set([8, 0, 0, 0, 1, 0], littleFile.indexOf("II") + 4);
    expect(readJpegHeader(littleFile)?.orientation).toBe(8);
  });

  it.each([
    ["an orientation that there is not", withExif(orientation(9))],
    ["an orientation of another type", withExif(orientation(6, { type: 4 }))],
    ["two orientations", withExif(orientation(6, { count: 2 }))],
    ["EXIF that does not begin as it should", withExif(orientation(6), { head: "Exif\0\x01" })],
    ["EXIF that is no TIFF", withExif(orientation(6), { magic: [0x4d, 0x4d, 0, 43] })],
    ["EXIF of one byte", withSegment(0xff, 0xe1, 0, 9, ...Buffer.from("Exif\0\0M"))],
    ["Adobe's word that it is R G B", withSegment(0xff, 0xee, 0, 14, ...Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, 0)],
    ["components of other numbers", withByte(10, 0)],
    ["a component of a third kind of resolution", withByte(11, 0x12)],
  ])("leaves a JPEG with %s to libvips, as its frame tells", (_, file) => {
    expect(readJpegFrame(file)).toEqual({ width: 34, height: 21, isPlain: false, isProgressive: false });
    expect(readJpegHeader(file)).toBeUndefined();
  });

  it("leaves a JPEG to libvips although nothing that comes before its frame is odd", () => {
    const file = withSegment(0xff, 0xdd, 0, 3, 1); // a restart interval of one byte
    expect(readJpegFrame(file)).toMatchObject({ isPlain: true });
    expect(readJpegHeader(file)).toBeUndefined();
  });
});
