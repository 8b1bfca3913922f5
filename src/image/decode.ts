import { planAvif } from "./avif.ts";
import { readBmpHeader, readBmpPixels } from "./bmp.ts";
import { convertPixels, dropOthers, flatten, inkToRgb, labToRgb } from "./colour.ts";
import { type ImageFormat, imageFormat } from "./format.ts";
import { firstFrame, paintAround } from "./gif.ts";
import type { PixelSpec } from "./pixels.ts";
import type { Raster } from "./raster.ts";
import { planTiff } from "./tiff.ts";
import { openVipsImage, type ReadOptions, requirePixelsWithin, type VipsImage } from "./vips.ts";

/** A decoded picture, perhaps smaller than the file's: `fullWidth` and `fullHeight` are those of the upright original. */
export interface DecodedImage extends Raster {
  fullWidth: number;
  fullHeight: number;
}

type Reader = (file: Uint8Array, spec: PixelSpec, options: ReadOptions) => Promise<DecodedImage>;

/** Below so many times the target, colours that were subsampled show; above it, resizing smooths them anyway. */
const mostForSmoothing = 4;

const readers: Record<ImageFormat, Reader> = {
  JPEG: readJpeg,
  PNG: readPlain,
  WebP: readPlain,
  GIF: readGif,
  AVIF: readAvif,
  TIFF: readTiff,
  BMP: readBmp,
};

/**
 * The first frame of an encoded image: upright (EXIF), 8-bit RGB, without colour management, as Pillow converts it.
 * @throws EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE or IMAGE_UNREADABLE.
 */
export async function decodeToRgb(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<DecodedImage> {
  return readers[imageFormat(file)](file, spec, options);
}

async function readPlain(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<DecodedImage> {
  return whole(await readColours(await openVipsImage(file, imageFormat(file), options), spec));
}

/** R G B, with what is transparent laid over the background that the model wants. */
async function readColours(image: VipsImage, { background }: Pick<PixelSpec, "background">): Promise<Raster> {
  return image.hasAlpha && background ? flatten(await image.readAll(), 3, background) : image.readRgb();
}

async function readJpeg(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<DecodedImage> {
  const image = await openVipsImage(file, "JPEG", options);
  if (image.isInk) return whole(convertPixels(await image.readInk(), inkToRgb));
  const { width, height } = image;
  const shrink = shrinkOnLoad(Math.min(width, height), spec.resize);
  const size = shrink > 1 ? { width: Math.ceil(width / shrink), height: Math.ceil(height / shrink) } : undefined;
  return { ...(await image.readRgb(size)), fullWidth: width, fullHeight: height };
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

/** Of what the first frame leaves transparent, Pillow shows the palette's colour where alpha is dropped. */
async function readGif(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<DecodedImage> {
  const image = await openVipsImage(file, "GIF", options);
  const frame = firstFrame(file);
  const picture = await readColours(image, { background: spec.background ?? frame.transparent });
  if (!image.hasAlpha) paintAround(picture, frame);
  return whole(picture);
}

async function readAvif(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<DecodedImage> {
  const { isPremultiplied, repair } = planAvif(file);
  const image = await openVipsImage(asStill(file), "AVIF", options);
  const needsAlpha = image.hasAlpha && (spec.background !== null || isPremultiplied);
  const samples = await (needsAlpha ? image.readAll() : image.readRgb());
  repair(samples, { smooth: Math.min(image.width, image.height) < mostForSmoothing * spec.resize });
  return whole(needsAlpha && spec.background ? flatten(samples, 3, spec.background) : dropOthers(samples));
}

/** libvips knows the brand of stills only; an AVIF sequence holds its first picture like a still, under its own brand. */
function asStill(bytes: Uint8Array): Uint8Array {
  const brandAt = 8;
  if (Buffer.from(bytes.subarray(brandAt, brandAt + 4)).toString("latin1") !== "avis") return bytes;
  const still = Buffer.from(bytes);
  still.write("avif", brandAt, "latin1");
  return still;
}

async function readTiff(file: Uint8Array, spec: PixelSpec, options: ReadOptions): Promise<DecodedImage> {
  const plan = planTiff(file);
  const image = await openVipsImage(plan.bytes, "TIFF", options);
  if (plan.kind === "ink") return whole(convertPixels(await image.readInk(), inkToRgb));
  if (plan.kind === "Lab") return whole(convertPixels(await image.readRgb(), labToRgb));
  if (plan.extras === 0) return whole(await image.readRgb());
  const samples = await image.readAll();
  const isOver = plan.alpha !== undefined && spec.background !== null;
  return whole(isOver ? flatten(samples, 3 + plan.alpha!, spec.background!) : dropOthers(samples));
}

async function readBmp(file: Uint8Array, { background }: PixelSpec, options: ReadOptions): Promise<DecodedImage> {
  const header = readBmpHeader(file, options);
  requirePixelsWithin(options.maxImagePixels, header);
  const samples = readBmpPixels(file, header);
  return whole(header.hasAlpha && background ? flatten(samples, 3, background) : dropOthers(samples));
}

function whole({ data, width, height }: Raster): DecodedImage {
  return { data, width, height, fullWidth: width, fullHeight: height };
}
