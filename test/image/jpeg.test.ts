import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import sharp, { type JpegOptions } from "sharp";
import { describe, expect, it } from "vitest";
import { compileKernel } from "../../scripts/build-kernels.ts";
import { createJpegReader, type JpegRows } from "../../src/image/jpeg.ts";
import { jpegKernel } from "../../src/image/jpeg-kernel.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";

const fixtures = resolve(import.meta.dirname, "../fixtures");
const maxImagePixels = 4_000_000;
const read = createJpegReader({ maxImagePixels });

/** Reads all rows, some at a time. @returns R G B, or undefined where libvips is to read the file */
function decoded(file: Uint8Array, { step = 64, reader = read } = {}): Buffer | undefined {
  const picture = reader(file);
  if (!picture) return undefined;
  const { width, height } = picture;
  const out = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += step)
    copy(picture, { y, count: Math.min(step, height - y), left: 0, right: width }, out);
  return picture.isSound() ? out : undefined;
}

interface Part {
  y: number;
  count: number;
  left: number;
  right: number;
}

function copy(picture: JpegRows, { y, count, left, right }: Part, out: Buffer): void {
  const { data, at, stride } = picture.rows(y, count, left, right);
  for (let row = 0; row < count; row++) {
    const from = at + row * stride;
    out.set(data.subarray(from, from + (right - left) * 3), ((y + row) * picture.width + left) * 3);
  }
}

/** Reads what libvips makes of a file, without turning it. */
const byLibvips = (file: Uint8Array) =>
  sharp(file, { failOn: "error", ignoreIcc: true }).removeAlpha().raw({ depth: "uchar" }).toBuffer();

const jpeg = fc
  .record({
    width: fc.integer({ min: 1, max: 150 }),
    height: fc.integer({ min: 1, max: 150 }),
    isGrey: fc.constantFrom(false, false, false, true),
    noise: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    grain: fc.constantFrom(1, 7, 300),
    orientation: fc.integer({ min: 1, max: 8 }),
    options: fc.record({
      quality: fc.integer({ min: 1, max: 100 }),
      chromaSubsampling: fc.constantFrom("4:4:4", "4:2:0"),
      progressive: fc.boolean(),
      optimiseCoding: fc.boolean(),
      optimiseScans: fc.boolean(),
      trellisQuantisation: fc.boolean(),
    }),
  })
  .map((made) => ({ ...made, toString: () => JSON.stringify({ ...made, noise: 0 }) }));

type Made = typeof jpeg extends fc.Arbitrary<infer T> ? T : never;

function encoded({ width, height, isGrey, noise, grain, orientation, options }: Made): Promise<Buffer> {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => noise[Math.floor((i * 31) / grain) % 64]!);
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  const kind = isGrey ? image.greyscale().toColourspace("b-w") : image.withMetadata({ orientation });
  return kind.jpeg(options as JpegOptions).toBuffer();
}

/** A byte that means nothing before the first marker is no usual order, so that libvips reads the file. */
const unusual = (file: Uint8Array) => Buffer.concat([file.subarray(0, 2), Buffer.of(0xff), file.subarray(2)]);

const reference: Record<string, string> = JSON.parse(readFileSync(resolve(fixtures, "jpeg/reference.json"), "utf8"));
const fixture = (name: string) => readFileSync(resolve(fixtures, "jpeg", `${name}.jpg`));

describe("a JPEG", () => {
  it.each(Object.keys(reference))("has Pillow's pixels: %s", (name) => {
    const file = readFileSync(resolve(fixtures, "jpeg", name));
    for (const step of [64, 1, 37]) {
      const got = decoded(file, { step });
      expect(createHash("sha256").update(got!).digest("hex")).toBe(reference[name]);
    }
  });

  it("is every one of its folder", () => {
    expect(readdirSync(resolve(fixtures, "jpeg")).filter((name) => name.endsWith(".jpg"))).toEqual(
      Object.keys(reference).toSorted(),
    );
  });

  it("has libvips' pixels, whatever its size and kind", async () => {
    await fc.assert(
      fc.asyncProperty(jpeg, fc.integer({ min: 1, max: 64 }), async (made, step) => {
        const file = await encoded(made);
        const isNarrow = made.width <= 4 && made.options.chromaSubsampling === "4:2:0" && !made.isGrey;
        const expected = isNarrow ? undefined : await byLibvips(file);
        expect(decoded(file, { step })?.equals(expected!)).toEqual(expected && true);
      }),
      { numRuns: 300 },
    );
  });

  it("gives the columns and rows that are asked for", async () => {
    await fc.assert(
      fc.asyncProperty(jpeg, fc.nat(), fc.nat(), fc.nat(), fc.nat(), async (made, a, b, c, d) => {
        const { width, height } = made;
        const file = await encoded(made);
        const picture = read(file);
        fc.pre(picture !== undefined);
        const left = a % width;
        const right = left + 1 + (b % (width - left));
        const y = c % height;
        const count = 1 + (d % Math.min(height - y, 64));
        const got = Buffer.alloc(width * height * 3);
        copy(picture!, { y, count, left, right }, got);
        expect(picture!.isSound()).toBe(true);
        const expected = await byLibvips(file);
        for (let row = y; row < y + count; row++) {
          const [from, to] = [(row * width + left) * 3, (row * width + right) * 3];
          expect(got.subarray(from, to).equals(expected.subarray(from, to))).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("comes out of the preprocessor as it does by way of libvips, however it lies", async () => {
    const spec = fc.record({
      size: fc.integer({ min: 1, max: 40 }),
      more: fc.nat(20),
      fit: fc.constantFrom("cover", "squash"),
      resample: fc.constantFrom("bicubic", "bilinear", "lanczos", "nearest"),
    });
    await fc.assert(
      fc.asyncProperty(jpeg, spec, async (made, { size, more, fit, resample }) => {
        const wanted = { size, resize: size + more, fit, resample, background: null } as const;
        const preprocess = createPreprocessor(wanted, { maxImagePixels });
        const file = await encoded(made);
        expect(read(unusual(file))).toBeUndefined();
        expect(await preprocess(file)).toEqual(await preprocess(unusual(file)));
      }),
      { numRuns: 300 },
    );
  });

  it("is left to libvips where that would see another picture, or none, in what is damaged", async () => {
    const seeds = Object.keys(reference).map((name) => readFileSync(resolve(fixtures, "jpeg", name)));
    seeds.push(readFileSync(resolve(fixtures, "images/orientation-6.jpg")));
    const change = fc.record({ at: fc.nat(), inHeader: fc.boolean(), byte: fc.oneof(fc.constant(0xff), fc.nat(255)) });
    const damage = fc.array(change, { minLength: 1, maxLength: 3 });
    const length = fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat() });
    let sound = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...seeds), damage, length, async (seed, changes, cut) => {
        const file = Buffer.from(seed);
        const header = file.indexOf(Buffer.of(0xff, 0xda)) + 14;
        for (const { at, inHeader, byte } of changes) file[at % (inHeader ? header : file.length)] = byte;
        const damaged = cut === undefined ? file : file.subarray(0, cut % file.length);
        const got = decoded(damaged);
        if (!got) return;
        sound++;
        expect(got.equals(await byLibvips(damaged))).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(sound).toBeGreaterThan(300);
  });

  it.each<[string, () => Uint8Array]>([
    ["has inks", () => readFileSync(resolve(fixtures, "images/cmyk.jpg"))],
    ["ends early", () => fixture("across").subarray(0, -2)],
    ["ends within a marker", () => fixture("across").subarray(0, -1)],
    ["ends in its headers", () => fixture("across").subarray(0, 300)],
    ["lacks its last scan", () => withoutScan(fixture("across-progressive"), -1)],
    ["lacks the means", () => withoutScan(fixture("across-progressive"), 0)],
    ["has a scan twice", () => withScanTwice(fixture("across-progressive"))],
    ["is nothing", () => new Uint8Array()],
    [
      "has 16-bit divisors that replace others",
      () => withSegment(fixture("across"), 0xdb, [0x10, ...Array(128).fill(1)]),
    ],
    ["has a code of ones alone", () => withSegment(fixture("across"), 0xc4, [0, 2, ...Array(15).fill(0), 1, 2])],
    ["has a table of more codes than there are symbols", () => withSegment(fixture("across"), 0xc4, tooManyCodes)],
    ["has two million segments", () => withComments(fixture("across"), 2_000_000)],
    ["shifts a coefficient out of its 16 bits, where libvips would see none", () => Buffer.from(shiftedOut, "base64")],
    ["says twice how it lies", () => twice(readFileSync(resolve(fixtures, "images/orientation-6.jpg")), 0xe1)],
  ])("is left to libvips if it %s", (_what, file) => {
    expect(decoded(file())).toBeUndefined();
  });

  it("is left to libvips if it has more pixels than allowed", () => {
    const file = fixture("across");
    expect(decoded(file, { reader: createJpegReader({ maxImagePixels: 83 * 61 }) })).toBeDefined();
    expect(decoded(file, { reader: createJpegReader({ maxImagePixels: 83 * 61 - 1 }) })).toBeUndefined();
  });

  it("is read after larger ones, smaller ones and damaged ones", async () => {
    const large = await sharp({ create: { width: 1700, height: 1300, channels: 3, background: "teal" } })
      .jpeg({ progressive: true })
      .toBuffer();
    const reader = createJpegReader({ maxImagePixels });
    const files = [fixture("across"), large, large, fixture("best"), large.subarray(0, -100), fixture("across")];
    for (const file of files) {
      const expected = file.length < large.length && file.length > 10_000 ? undefined : await byLibvips(file);
      expect(decoded(file, { reader })?.equals(expected!)).toEqual(expected && true);
    }
  });

  it("is read by the kernel that its source describes", async () => {
    expect(await compileKernel("jpeg")).toBe(jpegKernel);
  });
});

const tooManyCodes = [3, ...Array(13).fill(0), 100, 100, 100, ...Array(300).fill(1)];

/** A grey progressive picture of 8x8, one of whose first numbers has 13 bits and is shifted by 4. */
const shiftedOut = `
  /9j/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/wgAL
  CAAIAAgBAREA/8QAFgABAQEAAAAAAAAAAAAAAAAAAAEF/8QAFhAAAwAAAAAAAAAAAAAAAAAAAAEN/9oACAEBAAAAAH//2gAIAQEA
  AT8EoAB//9oACAEBAAE/QyD/2gAIAQEAAT8yAP/aAAgBAQABPyEA/9oACAEBAAE/EAD/2Q==`;

function withComments(file: Buffer, count: number): Buffer {
  return Buffer.concat([file.subarray(0, 2), Buffer.alloc(4 * count, Buffer.of(0xff, 0xfe, 0, 2)), file.subarray(2)]);
}

/** Finds where the scans of a progressive file begin, with the tables before them. */
function scansOf(file: Buffer): Buffer[] {
  const starts: number[] = [];
  const end = file.length - 2; // before the marker of the end
  for (let at = file.indexOf(Buffer.of(0xff, 0xda)); at >= 0; at = file.indexOf(Buffer.of(0xff, 0xda), at + 2)) {
    starts.push(at);
  }
  return starts.map((start, i) => file.subarray(start, starts[i + 1] ?? end));
}

function withoutScan(file: Buffer, index: number): Buffer {
  const scans = scansOf(file);
  const head = file.subarray(0, file.indexOf(scans[0]!));
  scans.splice(index, 1);
  return Buffer.concat([head, ...scans, file.subarray(-2)]);
}

function withScanTwice(file: Buffer): Buffer {
  const scans = scansOf(file);
  return Buffer.concat([file.subarray(0, file.indexOf(scans[0]!)), scans[0]!, ...scans, file.subarray(-2)]);
}

/** Puts a segment before the first scan. */
function withSegment(file: Buffer, marker: number, bytes: number[]): Buffer {
  const at = file.indexOf(Buffer.of(0xff, 0xda));
  const length = bytes.length + 2;
  return Buffer.concat([
    file.subarray(0, at),
    Buffer.of(0xff, marker, length >> 8, length & 255, ...bytes),
    file.subarray(at),
  ]);
}

/** Repeats the first segment of a kind. */
function twice(file: Buffer, marker: number): Buffer {
  const at = file.indexOf(Buffer.of(0xff, marker));
  const end = at + 2 + file.readUInt16BE(at + 2);
  return Buffer.concat([file.subarray(0, end), file.subarray(at)]);
}
