import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { imageFormat } from "../../src/image/format.ts";

const folder = resolve(import.meta.dirname, "../fixtures/images");

const files: [string, string][] = [
  ["icc.jpg", "JPEG"],
  ["rgba.png", "PNG"],
  ["lossy.webp", "WebP"],
  ["plain.gif", "GIF"],
  ["rgb.avif", "AVIF"],
  ["lzw.tif", "TIFF"],
  ["bits-24.bmp", "BMP"],
];

const refused: [string, string][] = [
  ["an SVG document", '<?xml version="1.0"?><!-- x --><svg xmlns="http://www.w3.org/2000/svg"/>'],
  ["an SVG document", "\ufeff  <svg width='10'>"],
  ["an XML document", "<?xml version='1.0'?><kml/>"],
  ["an HTML page", "<!DOCTYPE html><html>"],
  ["a PDF document", "%PDF-1.7"],
  ["a raw file of a Canon camera", "\0\0\0\x18ftypcrx \0\0\0\x01crx isom"],
  ["a raw file of a Fujifilm camera", "FUJIFILMCCD-RAW 0201"],
  ["a raw file of a Panasonic camera", "IIU\0\x18\0\0\0"],
  ["a video", "\0\0\0\x18ftypisom\0\0\0\0isomiso2"],
  ["a JPEG XL image", "\0\0\0\x0cJXL \r\n"],
  ["a ZIP archive", "PK\x03\x04"],
  ["something else", "hello"],
  ["something else", "RIFF1234WAVE"],
];

describe("imageFormat", () => {
  for (const [file, format] of files) {
    it(`knows ${format} by its content`, () => {
      expect(imageFormat(readFileSync(join(folder, file)))).toBe(format);
    });
  }

  it("knows AVIF by a compatible brand too", () => {
    expect(imageFormat(Buffer.from("\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "latin1"))).toBe("AVIF");
  });

  it.each(["heicmif1", "heixmif1", "mif1heic", "mif1mif1", "msf1hevc"])("knows HEIC by its brands: %s", (brands) => {
    const head = `\0\0\0\x18ftyp${brands.slice(0, 4)}\0\0\0\0${brands.slice(4)}miaf`;
    expect(imageFormat(Buffer.from(head, "latin1"))).toBe("HEIC");
  });

  for (const [seen, head] of refused) {
    it(`refuses ${JSON.stringify(head.slice(0, 24))} as ${seen}`, () => {
      const bytes = Buffer.from(head, head.startsWith("\ufeff") ? "utf8" : "latin1");
      expect(() => imageFormat(bytes)).toThrow(
        expect.objectContaining({ code: "IMAGE_UNSUPPORTED", message: expect.stringContaining(`received ${seen}`) }),
      );
    });
  }

  it("calls an empty image unreadable", () => {
    expect(() => imageFormat(new Uint8Array())).toThrow(expect.objectContaining({ code: "IMAGE_UNREADABLE" }));
  });

  it("survives a brand list that claims to be longer than the file", () => {
    expect(() => imageFormat(Buffer.from("\xff\xff\xff\xffftypmp42", "latin1"))).toThrow("a video");
  });
});
