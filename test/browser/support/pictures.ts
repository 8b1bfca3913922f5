import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import pictures from "../../../web/gallery/pictures.json" with { type: "json" };
import { parityFile } from "../../support/parity-file.ts";
import type { DroppedFile } from "./browser.ts";

const gallery = resolve(import.meta.dirname, "../../../web/public/gallery");

/** A drawing of the gallery under another name. */
export function drawing(name: string, fileName = `${name}.webp`): DroppedFile {
  const { file } = pictures.find((picture) => picture.name === name)!;
  return { name: fileName, type: "image/webp", bytes: readFileSync(join(gallery, file)) };
}

/** Draws a picture of stripes, as wide and as high as wanted. */
export async function stripes(
  fileName: string,
  { width, height, format }: { width: number; height: number; format: "jpeg" | "tiff" },
): Promise<DroppedFile> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>
    <linearGradient id="g"><stop stop-color="#f4b942"/><stop offset=".5" stop-color="#d1495b"/><stop offset="1" stop-color="#30638e"/></linearGradient>
    </defs><rect width="100%" height="100%" fill="url(#g)"/></svg>`;
  return { name: fileName, type: `image/${format}`, bytes: await sharp(Buffer.from(svg)).toFormat(format).toBuffer() };
}

/** A photograph as iPhones write it, in tiles. */
export const heic: DroppedFile = { name: "IMG_0001.HEIC", type: "", bytes: parityFile("heic-grid-1").file };

/** The start of an iPhone's file, with nothing after it that could be decoded. */
export const brokenHeic: DroppedFile = {
  name: "IMG_0815.HEIC",
  type: "",
  bytes: Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypheic\0\0\0\0mif1heic"), Buffer.alloc(64)]),
};
