import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { plainJpegSize } from "../../src/image/jpeg-header.ts";

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

describe("plainJpegSize", () => {
  it.each([
    ["baseline", picture().jpeg()],
    ["progressive", picture().jpeg({ progressive: true })],
    ["grey", picture().greyscale().jpeg()],
    ["without smaller colours", picture().jpeg({ chromaSubsampling: "4:4:4" })],
    ["with EXIF and a profile", picture().keepIccProfile().withMetadata({ orientation: 6 }).jpeg()],
  ])("reads what libvips reads of a JPEG that is %s", async (_, image) => {
    const file = await image.toBuffer();
    const { width, height, depth, hasAlpha } = await sharp(file).metadata();
    expect({ depth, hasAlpha }).toEqual({ depth: "uchar", hasAlpha: false });
    expect(plainJpegSize(file)).toEqual({ width, height });
  });

  it("skips comments and tables", () => {
    expect(plainJpegSize(withSegment(0xff, 0xfe, 0, 4, 0xff, 0xc0))).toEqual({ width: 34, height: 21 });
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
    expect(plainJpegSize(file)).toBeUndefined();
  });

  it("ends in a segment whose length is a lie", () => {
    expect(plainJpegSize(withSegment(0xff, 0xe0, 0xff, 0xff))).toBeUndefined();
    expect(plainJpegSize(withSegment(0xff, 0xe0, 0, 0))).toBeUndefined();
  });
});
