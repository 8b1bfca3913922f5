import { EncoderError } from "../errors.ts";
import { type Directory, readDirectories } from "./tiff-directory.ts";

const tags = {
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  orientation: 274,
  samplesPerPixel: 277,
  extraSamples: 338,
  sampleFormat: 339,
};
const colours = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, palette: 3, cmyk: 5, ycbcr: 6, lab: 8 };
/** Gives the number of samples in a colour, by photometric interpretation. */
const colourSamples: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3 };
/** JPEG, old and new, turns YCbCr into RGB itself. */
const jpegCompressions = [6, 7];
/** The decoder was built without these compressions. */
const unreadCompressions: Readonly<Record<number, string>> = {
  34712: "JPEG 2000",
  34887: "LERC",
  34925: "LZMA",
  50000: "Zstandard",
  50001: "WebP",
  50002: "JPEG XL",
};
/** Extra samples that are alpha: premultiplied (libvips divides that out), plain, and plain as Corel Draw marks it. */
const alphaKinds = [1, 2, 999];
const premultiplied = 1;
/** Unsigned, signed, and floating point; others are undefined or complex. */
const sampleFormats = [1, 2, 3];
/** libvips passes on no more channels. */
const mostSamples = 5;

/** Says how a TIFF file's first picture is to be read. */
export interface TiffPlan {
  /** The file that libvips is to see. */
  bytes: Uint8Array;
  kind: "grey or RGB" | "ink" | "Lab";
  /** Counts the samples beside the colour, such as infrared. They are ignored, except the one at `alpha`. */
  extras: number;
  alpha: number | undefined;
}

/**
 * Looks at what libvips does not, and would take for RGB or grey: other colours, such as YCbCr that is not JPEG's, and
 * extra samples that are not alpha. Where the file ends early, libvips will say so.
 * @throws EncoderError IMAGE_UNSUPPORTED
 */
export function planTiff(file: Uint8Array): TiffPlan {
  const { little, directories } = readDirectories(file);
  const directory: Directory = directories[0] ?? new Map();
  const photometric = firstValue(directory, tags.photometric) ?? colours.rgb;
  requireRead(directory, photometric);

  const bytes = Buffer.from(file);
  const patch = (tag: number, value: number) => {
    const at = directory.get(tag)!.valueAt;
    if (at + 2 <= bytes.length) little ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  };
  const isLab = photometric === colours.lab;
  if (isLab) patch(tags.photometric, colours.rgb); // libvips then gives L, a and b as they are
  const orientation = firstValue(directory, tags.orientation) ?? 1;
  if (orientation < 1 || orientation > 8) patch(tags.orientation, 1); // libtiff refuses what others pass over

  const samples = firstValue(directory, tags.samplesPerPixel) ?? 1;
  const extras = Math.max(0, samples - (colourSamples[photometric] ?? samples));
  const said = directory.get(tags.extraSamples)?.values ?? [];
  // RGB with a fourth sample that nothing is said of is what many programs write for RGBA.
  const kinds = said.length === 0 && photometric === colours.rgb && extras === 1 ? [2] : said;
  const alpha = kinds.findIndex((kind) => alphaKinds.includes(kind));
  if (kinds[alpha] === premultiplied && (photometric === colours.palette || photometric === colours.cmyk)) {
    throw unsupported("whose ink or palette is multiplied by alpha");
  }
  return {
    bytes,
    kind: isLab ? "Lab" : photometric === colours.cmyk ? "ink" : "grey or RGB",
    extras,
    alpha: alpha < 0 ? undefined : alpha,
  };
}

function requireRead(directory: Directory, photometric: number): void {
  const bits = directory.get(tags.bitsPerSample)?.values ?? [];
  const samples = firstValue(directory, tags.samplesPerPixel) ?? 1;
  const compression = firstValue(directory, tags.compression) ?? 1;
  if (!Object.hasOwn(colourSamples, photometric)) throw unsupported("in other colours", `photometric ${photometric}`);
  if (photometric === colours.ycbcr && !jpegCompressions.includes(compression)) {
    throw unsupported("in YCbCr that JPEG did not compress");
  }
  if (photometric === colours.lab && bits.some((it) => it !== 8)) throw unsupported("in Lab of more than 8 bits");
  if (bits.some((it) => it !== bits[0])) throw unsupported(`with samples of ${bits.join(", ")} bits`);
  const format = firstValue(directory, tags.sampleFormat) ?? 1;
  if (!sampleFormats.includes(format)) throw unsupported(`with samples of format ${format}`);
  if (photometric === colours.whiteIsZero && (bits[0] ?? 1) > 16 && format !== sampleFormats.at(-1)) {
    throw unsupported("with 32-bit grey whose zero is white");
  }
  if (samples > mostSamples) throw unsupported(`with ${samples} samples a pixel`);
  const name = unreadCompressions[compression];
  if (name) throw unsupported(`compressed with ${name}`);
}

export function firstValue(directory: Directory, tag: number): number | undefined {
  return directory.get(tag)?.values[0];
}

function unsupported(kind: string, internal?: string): EncoderError {
  const read = "in grey, RGB, CMYK, 8-bit Lab or with a palette, of at most 5 samples a pixel";
  const message = `Expected a TIFF image ${read}, received one ${kind}; send a PNG or JPEG of it.`;
  return new EncoderError("IMAGE_UNSUPPORTED", message, { internal });
}
