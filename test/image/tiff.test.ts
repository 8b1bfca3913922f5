import { describe, expect, it } from "vitest";
import { createPreprocessor } from "../../src/image/preprocess.ts";
import { requireReadColours } from "../../src/image/tiff.ts";

const kinds = [
  { little: true, big: false },
  { little: false, big: false },
  { little: true, big: true },
  { little: false, big: true },
];

/** A picture of 1 x 1: TIFF or BigTIFF, in either byte order. */
function tiff({ little, big }: { little: boolean; big: boolean }, photometric: number, compression = 1): Buffer {
  const [countBytes, entryBytes] = big ? [8, 20] : [2, 12];
  const fields = [
    [256, 1],
    [257, 1],
    [258, 8],
    [259, compression],
    [262, photometric],
    [273, 200],
    [277, 3],
    [279, 3],
  ] as const;
  const bytes = Buffer.alloc(256);
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
    expect(() => requireReadColours(tiff(kind, photometric))).not.toThrow();
  });

  it("is left to the decoder where JPEG turns its colours into RGB", () => {
    for (const compression of [6, 7]) expect(() => requireReadColours(tiff(kind, 6, compression))).not.toThrow();
  });

  it.each([
    ["YCbCr", 6],
    ["a camera's sensor", 32803],
    ["a mask", 4],
  ])("is refused in %s, which would pass for other colours", (_name, photometric) => {
    expect(() => requireReadColours(tiff(kind, photometric))).toThrow(refusal);
  });

  it("is left to the decoder wherever it ends early", () => {
    const whole = tiff(kind, 2);
    for (let length = 4; length < whole.length; length++) {
      expect(() => requireReadColours(whole.subarray(0, length))).not.toThrow();
    }
    whole.fill(0xff, 4);
    expect(() => requireReadColours(whole)).not.toThrow();
  });
});

it("a TIFF image in YCbCr has no pixels rather than wrong ones", async () => {
  const preprocess = createPreprocessor({ size: 32, resize: 32, background: null }, { maxImagePixels: 100 });
  await expect(preprocess(tiff(kinds[0]!, 6))).rejects.toMatchObject({ code: "IMAGE_UNSUPPORTED" });
  await expect(preprocess(tiff(kinds[0]!, 2))).resolves.toMatchObject({ size: 32 });
});
