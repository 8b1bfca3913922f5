import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { Source } from "./make-pictures.ts";
import { readRcc } from "./rcc.ts";

export interface Photograph {
  name: string;
  source: "gcompris" | "scikit-image" | "scipy";
  file: string;
  author?: string;
  license?: string;
  url?: string;
}

interface Folders {
  /** Debian's gcompris-qt-data lies unpacked here. */
  gcompris: string;
  /** scikit-image's folder data. */
  skimage: string;
  /** A raccoon lies here as face.raw: 1024 x 768 pixels of red, green and blue. */
  scipy: string;
}

const free = ["public-domain", "CC0-1.0"];

/** Lists the photographs of photographs.json, each with its author and licence. */
export function photographs(list: Photograph[], folders: Folders): Promise<Source[]> {
  const { gcompris, skimage, scipy } = folders;
  const copyright = readFileSync(join(gcompris, "usr/share/doc/gcompris-qt-data/copyright"), "utf8");
  const read = {
    gcompris: (file: string) => fromGcompris(gcompris, file),
    "scikit-image": (file: string) => readFileSync(join(skimage, file)),
    scipy: (file: string) => fromPixels(readFileSync(join(scipy, file))),
  };
  const sources = list.map(async ({ name, source, file, ...given }): Promise<Source> => {
    const picture = await read[source](file);
    const { author, license, url } = source === "gcompris" ? rightsOf(copyright, file) : given;
    if (!author || !license || !url || !free.includes(license)) {
      throw new Error(`${file} is not known to be in the public domain or CC0.`);
    }
    return { collection: "photographs", name, label: source, picture, credit: { author, license, url } };
  });
  return Promise.all(sources);
}

/** SciPy holds its one photograph as bare pixels. */
function fromPixels(pixels: Buffer): Promise<Buffer> {
  return sharp(pixels, { raw: { width: 1024, height: 768, channels: 3 } })
    .png()
    .toBuffer();
}

/** Takes only files of the half whose hash is even: the other half is test data, which no example may show. */
function fromGcompris(folder: string, file: string): Buffer {
  const activity = file.split("/")[0]!;
  const files = readRcc(readFileSync(join(folder, `usr/share/gcompris-qt/rcc/${activity}.rcc`)));
  const picture = [...files].find(([path]) => path.endsWith(file))?.[1];
  if (!picture) throw new Error(`${activity}.rcc has no ${file}.`);
  if (createHash("sha256").update(picture).digest()[0]! % 2 !== 0) throw new Error(`${file} is test data.`);
  return picture;
}

/** Reads what Debian's copyright file says of one file: it names the sources, which are not WebP. */
function rightsOf(copyright: string, file: string): { author?: string; license?: string; url?: string } {
  const stem = file.replace(/\.\w+$/, ".");
  const paragraph = copyright.split("\n\n").find((text) => text.startsWith("Files:") && text.includes(`/${stem}`));
  const field = (name: string) => new RegExp(`^${name}: *(.+)$`, "m").exec(paragraph ?? "")?.[1];
  const [author, license, url] = [field("Copyright"), field("License"), field("Comment")];
  return { ...(author && { author }), ...(license && { license }), ...(url && { url }) };
}
