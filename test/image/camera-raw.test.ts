import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { findPreview } from "../../src/image/camera-raw.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";

type Fields = [tag: number, value: number | "next" | Buffer | number[]][];

/** Writes a little-endian TIFF whose directories follow each other; a buffer's field holds where its bytes lie. */
function tiff(directories: Fields[], { head = 8 } = {}): Buffer {
  const parts: Buffer[] = [];
  let at = head;
  const append = (bytes: Buffer) => {
    parts.push(bytes);
    at += bytes.length;
    return at - bytes.length;
  };
  const placed = directories.map((fields) =>
    fields.map(([tag, value]) => [tag, Buffer.isBuffer(value) ? append(value) : value] as const),
  );
  const starts = [at];
  for (const fields of placed) starts.push(starts.at(-1)! + 6 + 12 * fields.length);
  for (const [i, fields] of placed.entries()) {
    const bytes = Buffer.alloc(6 + 12 * fields.length);
    bytes.writeUInt16LE(fields.length, 0);
    for (const [j, [tag, value]] of fields.entries()) {
      bytes.writeUInt16LE(tag, 2 + 12 * j);
      bytes.writeUInt16LE(4, 4 + 12 * j);
      bytes.writeUInt32LE(1, 6 + 12 * j);
      bytes.writeUInt32LE(value === "next" ? starts[i + 1]! : Number(value), 10 + 12 * j);
    }
    append(bytes);
  }
  const start = Buffer.alloc(head);
  start.write("II*\0", "latin1");
  start.writeUInt32LE(starts[0]!, 4);
  return Buffer.concat([start, ...parts]);
}

const [subDirectory, photometric, compression, orientation] = [330, 262, 259, 274];
const sensor: Fields[number] = [photometric, 32803];
/** Describes a JPEG by its own tags, or as the one strip of a picture. */
const preview = (jpeg: Buffer): Fields => [
  [513, jpeg],
  [514, jpeg.length],
];
const strip = (jpeg: Buffer): Fields => [
  [compression, 7],
  [273, jpeg],
  [279, jpeg.length],
];

let large: Buffer;
let small: Buffer;
let upright: Buffer;
beforeAll(async () => {
  const left = { create: { width: 300, height: 600, channels: 3, background: "red" } } as const;
  const picture = sharp({ create: { width: 600, height: 600, channels: 3, background: "blue" } }).composite([
    { input: await sharp(left).png().toBuffer(), left: 0, top: 0 },
  ]);
  large = await picture.jpeg().toBuffer();
  small = await sharp(large).resize(160).jpeg().toBuffer();
  upright = await sharp(large).withMetadata({ orientation: 3 }).jpeg().toBuffer();
});

const spec = { size: 2, resize: 2, background: null };
const read = async (file: Buffer) => {
  const { data } = await createPreprocessor(spec, { maxImagePixels: 1_000_000 })(file);
  return Array.from({ length: 4 }, (_, i) => (data[i * 3]! > data[i * 3 + 2]! ? "red" : "blue"));
};

describe("a camera's raw file", () => {
  it.each<[how: string, file: () => Buffer]>([
    ["a colour mosaic in its first directory", () => tiff([[sensor, ...preview(large)]])],
    ["a colour mosaic in a directory below", () => tiff([[[subDirectory, "next"], ...preview(large)], [sensor]])],
    ["linear sensor data", () => tiff([[[photometric, 34892], ...preview(large)]])],
    ["a DNG version", () => tiff([[[50706, 0x401], [photometric, 2], ...strip(large)]])],
    ["Canon's mark", () => Buffer.concat([tiff([preview(large)], { head: 16 })]).fill("CR", 8, 10)],
  ])("is known by %s, and its preview is read", async (_how, file) => {
    expect(await read(file())).toEqual(["red", "blue", "red", "blue"]);
  });

  it("shows the largest of its previews, and never the sensor's own lossless JPEG", () => {
    const lossless = Buffer.from(large);
    lossless[large.indexOf(Buffer.from([0xff, 0xc0])) + 1] = 0xc3;
    const file = tiff([
      [[subDirectory, "next"], ...preview(small)],
      [sensor, [subDirectory, "next"], ...strip(lossless)],
      strip(large),
    ]);
    expect(Buffer.from(findPreview(file)!.jpeg)).toEqual(large);
  });

  it("is turned by its own orientation, whatever the preview's says", async () => {
    expect(await read(tiff([[sensor, [orientation, 1], ...preview(upright)]]))).toEqual(["red", "blue", "red", "blue"]);
    expect(await read(tiff([[sensor, [orientation, 3], ...preview(large)]]))).toEqual(["blue", "red", "blue", "red"]);
    expect(await read(tiff([[sensor, [orientation, 6], ...preview(large)]]))).toEqual(["red", "red", "blue", "blue"]);
    expect(await read(tiff([[sensor, [orientation, 8], ...preview(large)]]))).toEqual(["blue", "blue", "red", "red"]);
    expect(await read(tiff([[sensor, ...preview(upright)]]))).toEqual(["blue", "red", "blue", "red"]);
  });

  it("is refused without a preview of a useful size", () => {
    expect(() => findPreview(tiff([[sensor, ...preview(small)]]))).toThrow(
      /at least 512 pixels, found one of 160 x 160/,
    );
    expect(() => findPreview(tiff([[sensor]]))).toThrow(expect.objectContaining({ code: "IMAGE_UNSUPPORTED" }));
  });

  it("ends in a code of its own wherever it ends early", async () => {
    const file = tiff([
      [[subDirectory, "next"], ...preview(small)],
      [sensor, ...strip(large)],
    ]);
    for (let length = 8; length < file.length; length += 97) {
      await expect(read(file.subarray(0, length))).rejects.toMatchObject({ code: /^IMAGE_UN/ });
    }
  });

  it("is none where a TIFF file says nothing of a sensor", () => {
    expect(findPreview(tiff([[[photometric, 2], ...preview(large)]]))).toBeUndefined();
  });
});
