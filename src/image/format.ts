import { EncoderError } from "../errors.ts";

export type ImageFormat = "JPEG" | "PNG" | "WebP" | "GIF" | "AVIF" | "HEIC" | "TIFF" | "BMP";

/** How files start, each in one of these ways; `?` stands for any byte. */
const readable: readonly (readonly [ImageFormat, ...string[]])[] = [
  ["JPEG", "\xff\xd8\xff"],
  ["PNG", "\x89PNG\r\n\x1a\n"],
  ["WebP", "RIFF????WEBP"],
  ["GIF", "GIF87a", "GIF89a"],
  ["TIFF", "II*\0", "MM\0*", "II+\0", "MM\0+"], // with a plus, BigTIFF
  ["BMP", "BM"],
];

/** Refused formats that are common enough for the error to name them. */
const refused: readonly (readonly [string, ...string[]])[] = [
  ["a PDF document", "%PDF"],
  ["a PostScript document", "%!PS"],
  ["a Photoshop document", "8BPS"],
  ["a raw file of a Fujifilm camera", "FUJIFILMCCD-RAW"],
  ["a raw file of an Olympus camera", "IIRO", "IIRS", "MMOR"],
  ["a raw file of a Panasonic camera", "IIU\0"],
  ["a raw file of a Sigma camera", "FOVb"],
  ["a raw file of a Canon camera (CR3)", "????ftypcrx "],
  ["a JPEG XL image", "\xff\x0a", "\0\0\0\x0cJXL "],
  ["a JPEG 2000 image", "\0\0\0\x0cjP  ", "\xff\x4f\xff\x51"],
  ["an icon", "\0\0\x01\0"],
  ["an OpenEXR image", "\x76\x2f\x31\x01"],
  ["a ZIP archive", "PK\x03\x04"],
  ["gzip data", "\x1f\x8b"],
  ["a Matroska or WebM video", "\x1a\x45\xdf\xa3"],
  ["JSON", "{"],
  ["a data URI", "data:"],
];

/**
 * Tells the format by content; a file name or content type is never asked.
 * @throws EncoderError IMAGE_UNSUPPORTED naming what was seen, IMAGE_UNREADABLE if there are no bytes.
 */
export function imageFormat(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new EncoderError("IMAGE_UNREADABLE", "The image is empty.");
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).toString("latin1");

  const found = readable.find(([, ...signatures]) => startsWith(head, signatures));
  if (found) return found[0];
  const byBrand = head.startsWith("ftyp", 4) ? formatOfBrands(boxBrands(head)) : undefined;
  if (byBrand) return byBrand;
  const message = `Expected a JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF or BMP image, received ${describe(head)}; send one of those.`;
  throw new EncoderError("IMAGE_UNSUPPORTED", message);
}

function startsWith(head: string, signatures: readonly string[]): boolean {
  return signatures.some((signature) =>
    [...signature].every((byte, i) => byte === head[i] || (byte === "?" && i < head.length)),
  );
}

/** HEIF is a family of containers: AVIF says its own name, and what names no codec is left to the reader of HEIC. */
function formatOfBrands(brands: readonly string[]): ImageFormat | undefined {
  if (brands.some((brand) => brand === "avif" || brand === "avis")) return "AVIF";
  return brands.some((brand) => /^(hei[cxms]|hev[cxms]|mif[12]|msf1)$/.test(brand)) ? "HEIC" : undefined;
}

/** Reads the major and compatible brands of an ISO media file: [size 4] "ftyp" [major 4] [version 4] [compatible 4]* */
function boxBrands(head: string): string[] {
  const size = Math.min(Buffer.from(head.slice(0, 4), "latin1").readUInt32BE(), head.length);
  const brands = [head.slice(8, 12)];
  for (let at = 16; at + 4 <= size; at += 4) brands.push(head.slice(at, at + 4));
  return brands;
}

function describe(head: string): string {
  const found = refused.find(([, ...signatures]) => startsWith(head, signatures));
  if (found) return found[0];
  if (head.startsWith("ftyp", 4)) return "a video";
  const text = head.toLowerCase().replace(/^(\xef\xbb\xbf)?\s*/, "");
  if (text.includes("<svg")) return "an SVG document";
  if (text.startsWith("<!doctype html") || text.startsWith("<html")) return "an HTML page";
  if (text.startsWith("<?xml")) return "an XML document";
  return "something else";
}
