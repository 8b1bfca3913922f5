import { createRequire } from "node:module";
import type { Metadata, Sharp as Picture } from "sharp";
import { EncoderError, type ErrorDetails } from "../errors.ts";
import { readJpegFrame } from "./jpeg-header.ts";
import type { Raster, Samples } from "./raster.ts";

type Sharp = typeof import("sharp").default;

let loaded: Sharp | undefined;
let configure = (_sharp: Sharp) => {};

/** Loads sharp when the first picture comes that it is needed for; most decoders never see one. */
function vips(): Sharp {
  if (loaded) return loaded;
  // Packages below it are CommonJS. Imported, they would make Node.js set up a parser for such in each decoder process, for
  // 4 MiB and 70 ms of its start.
  loaded = createRequire(import.meta.url)("sharp") as Sharp;
  configure(loaded);
  return loaded;
}

/** Says what may be taken of a file, and how much damage to it is borne. */
export interface ReadOptions {
  /** Counted by the header, before anything is decoded. */
  maxImagePixels: number;
  /** Where a file is damaged or ends early, what there is of it is decoded. */
  allowDamage?: boolean;
  /** EXIF's orientation, 1 to 8, which counts instead of the one in the file. */
  orientation?: number | undefined;
}

/** The header of this image file was read. Dimensions are those before EXIF turns the picture. */
export interface VipsImage {
  format: string;
  width: number;
  height: number;
  hasAlpha: boolean;
  isInk: boolean;
  readRgb(): Promise<Samples>;
  /** Reads R G B and whatever channels follow. */
  readAll(): Promise<Samples>;
  /** Reads cyan, magenta, yellow, black and whatever follows; 255 is full ink. */
  readInk(): Promise<Samples>;
}

/** Runs once per process, before the first image: it allows the loaders that are needed alone, and keeps nothing. */
export function configureDecoder(): void {
  configure = (sharp) => {
    sharp.cache(false);
    sharp.concurrency(1);
    sharp.block({ operation: ["VipsForeignLoad"] });
    sharp.unblock({
      operation: ["Jpeg", "Png", "Webp", "Nsgif", "Heif", "Tiff"].map((loader) => `VipsForeignLoad${loader}`),
    });
  };
}

/** @throws EncoderError IMAGE_TOO_LARGE or IMAGE_UNREADABLE. */
export async function openVipsImage(bytes: Uint8Array, format: string, options: ReadOptions): Promise<VipsImage> {
  const { maxImagePixels, allowDamage = false, orientation } = options;
  // "error": what libjpeg or libtiff merely warn of is common in the wild, and Pillow reads it too.
  const input = { failOn: allowDamage ? "none" : "error", ignoreIcc: true } as const;
  const askVips = () => orUnreadable(vips()(bytes, { ...input, limitInputPixels: false }).metadata(), format);
  const header = (format === "JPEG" && readPlainJpeg(bytes)) || (await askVips());
  requirePixelsWithin(maxImagePixels, header);
  requireReadDepth(header, format);

  const turn = orientation === undefined ? undefined : turns[orientation];
  const upright = vips()(bytes, { ...input, autoOrient: !turn, limitInputPixels: maxImagePixels });
  const image = turn ? upright.rotate(turn.degrees).flop(turn.flop) : upright;
  const read = (steps: Picture) => readSamples(steps, format);
  return {
    format,
    width: header.width,
    height: header.height,
    hasAlpha: header.hasAlpha,
    isInk: header.space === "cmyk",
    async readRgb() {
      const samples = await read(image.removeAlpha());
      if (samples.channels !== 3) throw unreadable(format, { internal: `${samples.channels} channels` });
      return samples;
    },
    readAll: () => read(image),
    readInk() {
      const ink = image.pipelineColourspace("cmyk").toColourspace("cmyk"); // else libvips converts through a profile
      // Of 16 bits the high byte is taken, which other colours get by themselves.
      return read(header.depth === "ushort" ? ink.linear(1 / 256) : ink);
    },
  };
}

type Header = Pick<Metadata, "width" | "height" | "depth" | "space" | "hasAlpha">;

/** Saves asking libvips, which is a tenth of the time of a JPEG of 640x480. */
function readPlainJpeg(bytes: Uint8Array): Header | undefined {
  const size = readJpegFrame(bytes);
  return size && { ...size, depth: "uchar", space: "srgb", hasAlpha: false };
}

/** EXIF's orientation says how far a picture is to be turned clockwise, and whether it is mirrored then. */
const turns: Readonly<Record<number, { degrees: number; flop: boolean }>> = {
  1: { degrees: 0, flop: false },
  2: { degrees: 0, flop: true },
  3: { degrees: 180, flop: false },
  4: { degrees: 180, flop: true },
  5: { degrees: 90, flop: true },
  6: { degrees: 90, flop: false },
  7: { degrees: 270, flop: true },
  8: { degrees: 270, flop: false },
};

/** Makes a WebP that fits a square of `most` pixels; smaller pictures keep their size. */
export async function encodeWebp({ data, width, height }: Raster, most: number): Promise<Uint8Array> {
  const picture = vips()(data, { raw: { width, height, channels: 3 } });
  return picture.resize({ width: most, height: most, fit: "inside", withoutEnlargement: true }).webp().toBuffer();
}

export function requirePixelsWithin(most: number, { width, height }: { width: number; height: number }): void {
  if (width * height <= most) return;
  throw new EncoderError("IMAGE_TOO_LARGE", `Expected at most ${most} pixels, received ${width} x ${height}.`);
}

/** Accepts samples of 8 and 16 bits, and grey numbers of 32, clipped at 255; others would be scaled at random. */
function requireReadDepth({ depth, space }: Header, format: string): void {
  const isGreyNumber = space === "b-w" && ["int", "uint", "float"].includes(depth);
  if (depth === "uchar" || depth === "ushort" || isGreyNumber) return;
  const found = `${space === "b-w" || space === "grey16" ? "grey" : "colour"} samples of type ${depth}`;
  throw new EncoderError(
    "IMAGE_UNSUPPORTED",
    `Expected a ${format} image of 8 or 16 bits a sample, received one with ${found}; send a PNG or JPEG of it.`,
  );
}

async function readSamples(image: Picture, format: string): Promise<Samples> {
  const pixels = image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  const { data, info } = await orUnreadable(pixels, format);
  return { data, width: info.width, height: info.height, channels: info.channels };
}

async function orUnreadable<T>(work: Promise<T>, format: string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw unreadable(format, { cause, internal: cause instanceof Error ? cause.message : String(cause) });
  }
}

function unreadable(format: string, details: ErrorDetails): EncoderError {
  const message = `The ${format} image is truncated, corrupt, or of a kind that is not supported.`;
  return new EncoderError("IMAGE_UNREADABLE", message, details);
}
