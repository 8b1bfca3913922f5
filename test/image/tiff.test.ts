import { describe, expect, it } from "vitest";
import { createPreprocessor } from "../../src/image/preprocess.ts";
import { planTiff } from "../../src/image/tiff.ts";

const kinds = [
  { little: true, big: false },
  { little: false, big: false },
  { little: true, big: true },
  { little: false, big: true },
];

interface Picture {
  photometric: number;
  compression?: number;
  bits?: number;
  /** 1 unsigned, 2 signed, 3 floating point. */
  sampleFormat?: number;
  samples?: number;
}

/** Writes a picture of 1 x 1: TIFF or BigTIFF, in either byte order. Its data begin at byte 240. */
function tiff({ little, big }: { little: boolean; big: boolean }, picture: Picture): Buffer {
  const { photometric, compression = 1, bits = 8, sampleFormat = 1, samples = 3 } = picture;
  const [countBytes, entryBytes] = big ? [8, 20] : [2, 12];
  const fields = [
    [256, 1],
    [257, 1],
    [258, bits],
    [259, compression],
    [262, photometric],
    [273, 240],
    [277, samples],
    [279, (samples * bits) / 8],
    [339, sampleFormat],
  ] as const;
  const bytes = Buffer.alloc(280);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bytes.write(little ? "II" : "MM");
  view.setUint16(2, big ? 43 : 42, little);
  if (big) {
    view.setUint16(4, 8, little);
    view.setBigUint64(8, 16n, little);
    view.setBigUint64(16, BigInt(fields.length), little);
  } else {
    view.setUint32(4, 16, little);
    view.setUint16(16, fields.length, little);
  }
  for (const [i, [tag, value]] of fields.entries()) {
    const at = 16 + countBytes + i * entryBytes;
    view.setUint16(at, tag, little);
    view.setUint16(at + 2, 3, little); // SHORT
    if (big) view.setBigUint64(at + 4, 1n, little);
    else view.setUint32(at + 4, 1, little);
    view.setUint16(at + (big ? 12 : 8), value, little);
  }
  return bytes;
}

const refusal = expect.objectContaining({ code: "IMAGE_UNSUPPORTED", status: 415 });

describe.each(kinds)("a TIFF image (%o)", (kind) => {
  it.each([0, 1, 2, 3, 5, 8])("is left to the decoder in colours that it knows: %i", (photometric) => {
    expect(() => planTiff(tiff(kind, { photometric }))).not.toThrow();
  });

  it("is left to the decoder where JPEG turns its colours into RGB", () => {
    for (const compression of [6, 7]) expect(() => planTiff(tiff(kind, { photometric: 6, compression }))).not.toThrow();
  });

  it.each([
    ["YCbCr", 6],
    ["a camera's sensor", 32803],
    ["a mask", 4],
    ["what nobody has defined", 77],
  ])("is refused in %s, which would pass for other colours", (_name, photometric) => {
    expect(() => planTiff(tiff(kind, { photometric }))).toThrow(refusal);
  });

  it.each<[what: string, picture: Picture]>([
    ["more samples than are passed on", { photometric: 2, samples: 6 }],
    ["Lab of 16 bits", { photometric: 8, bits: 16 }],
    ["complex numbers", { photometric: 1, samples: 1, bits: 32, sampleFormat: 5 }],
    ["a compression that the decoder lacks", { photometric: 2, compression: 50_000 }],
  ])("is refused by name with %s", (_what, picture) => {
    expect(() => planTiff(tiff(kind, picture))).toThrow(refusal);
  });

  it("has alpha only where it says so, or in RGB where nothing is said of a fourth sample", () => {
    const alphaOf = (photometric: number, samples: number) => planTiff(tiff(kind, { photometric, samples })).alpha;
    expect([alphaOf(2, 3), alphaOf(2, 4), alphaOf(2, 5), alphaOf(1, 2)]).toEqual([undefined, 0, undefined, undefined]);
  });

  it("is left to the decoder wherever it ends early", () => {
    const whole = tiff(kind, { photometric: 2 });
    for (let length = 4; length < whole.length; length++) {
      expect(() => planTiff(whole.subarray(0, length))).not.toThrow();
    }
    whole.fill(0xff, 4);
    expect(() => planTiff(whole)).not.toThrow();
  });
});

describe("the pixels of a TIFF image", () => {
  const preprocess = createPreprocessor({ size: 2, resize: 2, background: null }, { maxImagePixels: 100 });
  const firstPixel = async (bytes: Buffer) => Array.from((await preprocess(bytes)).data.subarray(0, 3));
  const kind = kinds[0]!;

  it("are none rather than wrong ones in YCbCr", async () => {
    await expect(preprocess(tiff(kind, { photometric: 6 }))).rejects.toMatchObject({ code: "IMAGE_UNSUPPORTED" });
    expect(await firstPixel(tiff(kind, { photometric: 2 }))).toEqual([0, 0, 0]);
  });

  it("are the same from 8 and 16 bits of ink", async () => {
    const ink = [100, 50, 25, 60];
    const eight = tiff(kind, { photometric: 5, samples: 4 });
    eight.set(ink, 240);
    const sixteen = tiff(kind, { photometric: 5, samples: 4, bits: 16 });
    ink.forEach((value, i) => {
      sixteen.writeUInt16LE(value * 257, 240 + i * 2);
    });
    expect(await firstPixel(eight)).toEqual([119, 157, 176]);
    expect(await firstPixel(sixteen)).toEqual([119, 157, 176]);
  });

  it("are clipped where they are grey numbers, as Pillow does", async () => {
    const grey = tiff(kind, { photometric: 1, samples: 1, bits: 32, sampleFormat: 3 });
    grey.writeFloatLE(77, 240);
    expect(await firstPixel(grey)).toEqual([77, 77, 77]);
    grey.writeFloatLE(1000, 240);
    expect(await firstPixel(grey)).toEqual([255, 255, 255]);
  });

  it.each<[what: string, picture: Picture]>([
    ["colours in floating point", { photometric: 2, bits: 32, sampleFormat: 3 }],
    ["colours of 32 bits", { photometric: 2, bits: 32 }],
    ["signed bytes", { photometric: 1, samples: 1, sampleFormat: 2 }],
    ["signed words", { photometric: 1, samples: 1, bits: 16, sampleFormat: 2 }],
    ["half floats", { photometric: 1, samples: 1, bits: 16, sampleFormat: 3 }],
  ])("are none rather than wrong ones from %s", async (_what, picture) => {
    await expect(preprocess(tiff(kind, picture))).rejects.toMatchObject({ code: "IMAGE_UNSUPPORTED" });
  });
});
