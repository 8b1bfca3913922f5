import sharp, { type Metadata, type Sharp } from "sharp";
import type { EncoderConfig } from "../config/encoder.ts";
import { EncoderError, type ErrorDetails } from "../errors.ts";
import { readBmpHeader, readBmpPixels } from "./bmp.ts";
import { cmykToRgb, flatten } from "./colour.ts";
import { imageFormat } from "./format.ts";
import { firstFrame, paintAround } from "./gif.ts";
import type { PixelSpec } from "./pixels.ts";
import type { Raster } from "./raster.ts";
import { requireReadColours } from "./tiff.ts";

/** `maxImagePixels` counts by the header, before anything is decoded. */
export type DecodeLimits = Pick<EncoderConfig, "maxImagePixels">;

/** A decoded picture, perhaps smaller than the file's: `fullWidth` and `fullHeight` are those of the upright original. */
export interface DecodedImage extends Raster {
  fullWidth: number;
  fullHeight: number;
}

/** Once per process, before the first image: only the loaders that are needed, and nothing kept between images. */
export function configureDecoder(): void {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({
    operation: ["Jpeg", "Png", "Webp", "Nsgif", "Heif", "Tiff"].map((loader) => `VipsForeignLoad${loader}`),
  });
}

/**
 * The first frame of an encoded image: upright (EXIF), 8-bit RGB, without colour management, as Pillow converts it.
 * @throws EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE or IMAGE_UNREADABLE.
 */
export async function decodeToRgb(file: Uint8Array, spec: PixelSpec, limits: DecodeLimits): Promise<DecodedImage> {
  const format = imageFormat(file);
  const bytes = format === "AVIF" ? asStill(file) : file;
  if (format === "TIFF") requireReadColours(bytes);
  if (format === "BMP") {
    const header = readBmpHeader(bytes);
    requirePixelsWithin(limits, header.width, header.height);
    return whole(readBmpPixels(bytes, header));
  }

  // "error": what libjpeg or libtiff merely warn of is common in the wild, and Pillow reads it too.
  const options = { failOn: "error", ignoreIcc: true, autoOrient: true, limitInputPixels: false } as const;
  const header = await orUnreadable(sharp(bytes, options).metadata(), format);
  const { width, height } = header.autoOrient;
  requirePixelsWithin(limits, width, height);
  requireReadDepth(header, format);

  let image = sharp(bytes, { ...options, limitInputPixels: limits.maxImagePixels });
  if (header.space === "cmyk") {
    image = image.pipelineColourspace("cmyk").toColourspace("cmyk"); // keeps libvips from converting through a profile
    if (header.depth === "ushort") image = image.linear(1 / 256); // the high byte, which other colours get by themselves
    return whole(cmykToRgb(await raw(image, 4, format)));
  }
  const frame = format === "GIF" ? firstFrame(bytes) : undefined;
  const background = spec.background ?? frame?.transparent;
  if (header.hasAlpha && background) return whole(flatten(await raw(image, 4, format), background));

  const shrink = format === "JPEG" ? shrinkOnLoad(Math.min(width, height), spec.resize) : 1;
  if (shrink > 1) {
    const size = { width: Math.ceil(width / shrink), height: Math.ceil(height / shrink) };
    image = image.resize({ ...size, fit: "fill", kernel: "cubic" });
  }
  const picture = await raw(image.removeAlpha(), 3, format);
  if (frame) paintAround(picture, frame);
  return { ...picture, fullWidth: width, fullHeight: height };
}

/** libvips knows the brand of stills only; an AVIF sequence holds its first picture like a still, under its own brand. */
function asStill(bytes: Uint8Array): Uint8Array {
  const brandAt = 8;
  if (Buffer.from(bytes.subarray(brandAt, brandAt + 4)).toString("latin1") !== "avis") return bytes;
  const still = Buffer.from(bytes);
  still.write("avif", brandAt, "latin1");
  return still;
}

function requirePixelsWithin({ maxImagePixels }: DecodeLimits, width: number, height: number): void {
  if (width * height <= maxImagePixels) return;
  throw new EncoderError(
    "IMAGE_TOO_LARGE",
    `Expected at most ${maxImagePixels} pixels, received ${width} x ${height}.`,
  );
}

/** Samples of 8 and 16 bits, and grey numbers of 32, which are clipped at 255. Others would be clipped or scaled at random. */
function requireReadDepth({ depth, space }: Metadata, format: string): void {
  const isGreyNumber = space === "b-w" && ["int", "uint", "float"].includes(depth);
  if (depth !== "uchar" && depth !== "ushort" && !isGreyNumber) {
    throw unreadable(format, { internal: `${space} samples of type ${depth}` });
  }
}

/**
 * By how much a JPEG is made smaller while it is decoded: libjpeg halves, quarters or eighths it for almost nothing,
 * and libvips does the odd rest (it insists on one). At least 2.5 times the target stays for the exact resize: that
 * keeps the mean error near 0.2 grey levels, where twice the target has 0.5. A photo of 12 megapixels takes 17 ms
 * instead of 70.
 */
function shrinkOnLoad(shortestSide: number, target: number): number {
  return [9, 5, 3].find((factor) => shortestSide / factor >= 2.5 * target) ?? 1;
}

/** @returns `channels` bytes a pixel. */
async function raw(image: Sharp, channels: number, format: string): Promise<Raster> {
  const pixels = image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  const { data, info } = await orUnreadable(pixels, format);
  if (info.channels !== channels) throw unreadable(format, { internal: `${info.channels} channels` });
  return { data, width: info.width, height: info.height };
}

function whole(raster: Raster): DecodedImage {
  return { ...raster, fullWidth: raster.width, fullHeight: raster.height };
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
