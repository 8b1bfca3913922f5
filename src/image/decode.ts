import { EncoderError } from "../errors.ts";
import { planAvif } from "./avif.ts";
import { readBmpHeader, readBmpPixels } from "./bmp.ts";
import { findPreview } from "./camera-raw.ts";
import { convertPixels, dropOthers, flatten, inkToRgb, labToRgb } from "./colour.ts";
import { type ImageFormat, imageFormat } from "./format.ts";
import { firstFrame, onScreen } from "./gif.ts";
import type { HeicReader } from "./heic.ts";
import type { PixelSpec } from "./pixels.ts";
import type { Raster } from "./raster.ts";
import { planTiff } from "./tiff.ts";
import { type ReadOptions as FileOptions, openVipsImage, requirePixelsWithin, type VipsImage } from "./vips.ts";

export interface ReadOptions extends FileOptions {
  /** Without one, HEIC is refused. */
  readHeic?: HeicReader | undefined;
}

type Reader = (file: Uint8Array, spec: PixelSpec, options: ReadOptions) => Promise<Raster>;

/** Subsampled colours show in pictures below this many times the target; above it, resizing smooths them anyway. */
const mostForSmoothing = 4;

const readers: Record<ImageFormat, Reader> = {
  JPEG: readPlain,
  PNG: readPlain,
  WebP: readPlain,
  GIF: readGif,
  AVIF: readAvif,
  HEIC: readHeic,
  TIFF: readTiff,
  BMP: readBmp,
};

/**
 * Decodes the first frame of an encoded image: upright (EXIF), 8-bit RGB, without colour management, as Pillow converts
 * it.
 * @throws EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE or IMAGE_UNREADABLE.
 */
export async function decodeToRgb(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<Raster> {
  return readers[imageFormat(file)](file, spec, options);
}

async function readPlain(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<Raster> {
  const image = await openVipsImage(file, imageFormat(file), options);
  return image.isInk ? convertPixels(await image.readInk(), inkToRgb) : readColours(image, spec);
}

/** Reads R G B, with what is transparent laid over the background that the model wants. */
async function readColours(image: VipsImage, { background }: Pick<PixelSpec, "background">): Promise<Raster> {
  return image.hasAlpha && background ? flatten(await image.readAll(), 3, background) : image.readRgb();
}

/** Where alpha is dropped, Pillow shows the palette's colour of what the first frame leaves transparent. */
async function readGif(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<Raster> {
  const image = await openVipsImage(file, "GIF", options);
  const frame = firstFrame(file);
  if (!frame) return readColours(image, spec);
  const { screenWidth: width, screenHeight: height, transparent, hasTransparency } = frame;
  requirePixelsWithin(options.maxImagePixels, { width, height });
  const background = hasTransparency ? (spec.background ?? transparent) : null; // another frame may have alpha
  return onScreen(await readColours(image, { background }), frame, background ?? transparent);
}

async function readAvif(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<Raster> {
  const { isPremultiplied, repair } = planAvif(file);
  const image = await openVipsImage(asStill(file), "AVIF", options);
  const needsAlpha = image.hasAlpha && (spec.background !== null || isPremultiplied);
  const samples = await (needsAlpha ? image.readAll() : image.readRgb());
  repair(samples, { smooth: Math.min(image.width, image.height) < mostForSmoothing * spec.resize });
  return needsAlpha && spec.background ? flatten(samples, 3, spec.background) : dropOthers(samples);
}

/** An AVIF sequence holds its first picture like a still, but libvips knows the brand of stills only. */
function asStill(bytes: Uint8Array): Uint8Array {
  const brandAt = 8;
  if (Buffer.from(bytes.subarray(brandAt, brandAt + 4)).toString("latin1") !== "avis") return bytes;
  const still = Buffer.from(bytes);
  still.write("avif", brandAt, "latin1");
  return still;
}

async function readHeic(file: Uint8Array, { background }: PixelSpec, options: ReadOptions): Promise<Raster> {
  if (!options.readHeic) {
    const expected = "Expected a JPEG, PNG, WebP, GIF, AVIF, TIFF or BMP image";
    throw new EncoderError("IMAGE_UNSUPPORTED", `${expected}, received HEIC, which is switched off here; send a JPEG.`);
  }
  const { maxImagePixels } = options;
  const samples = await options.readHeic({ file, maxImagePixels, wantsAlpha: background !== null });
  return samples.channels === 4 && background ? flatten(samples, 3, background) : dropOthers(samples);
}

/** A camera's raw file is read by the JPEG that the camera made of it. */
async function readTiff(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<Raster> {
  const preview = findPreview(file);
  if (preview) return readPlain(preview.jpeg, spec, { ...options, orientation: preview.orientation });
  const plan = planTiff(file);
  const image = await openVipsImage(plan.bytes, "TIFF", options);
  if (plan.kind === "ink") return convertPixels(await image.readInk(), inkToRgb);
  if (plan.kind === "Lab") return convertPixels(await image.readRgb(), labToRgb);
  if (plan.extras === 0) return image.readRgb();
  const samples = await image.readAll();
  const isOver = plan.alpha !== undefined && spec.background !== null;
  return isOver ? flatten(samples, 3 + plan.alpha!, spec.background!) : dropOthers(samples);
}

async function readBmp(file: Uint8Array, { background }: PixelSpec, options: ReadOptions): Promise<Raster> {
  const header = readBmpHeader(file, options);
  requirePixelsWithin(options.maxImagePixels, header);
  const samples = readBmpPixels(file, header);
  return header.hasAlpha && background ? flatten(samples, 3, background) : dropOthers(samples);
}
