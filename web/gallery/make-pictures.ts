import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import type { Credit, GalleryPicture } from "../src/collections/gallery-data.ts";
import { drawings } from "./drawings.ts";
import { type Photograph, photographs } from "./photographs.ts";

/** A picture before it is made small. */
export interface Source {
  collection: "drawings" | "photographs";
  name: string;
  label: string;
  picture: Buffer;
  credit: string | Credit;
}

const longestSide = { drawings: 256, photographs: 640 };
const here = import.meta.dirname;
const out = join(here, "../public/gallery");

/** Makes the pictures of the gallery and its list; README.md tells where the sources come from. */
async function makePictures(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...{ icons: { type: "string" }, gcompris: { type: "string" } },
      ...{ skimage: { type: "string" }, scipy: { type: "string" } },
    },
  });
  const { icons, gcompris, skimage, scipy } = values;
  if (!icons || !gcompris || !skimage || !scipy) {
    throw new Error("Expected --icons, --gcompris, --skimage and --scipy, each a folder.");
  }
  const names = readFileSync(join(here, "drawings.txt"), "utf8").split(/\s+/).filter(Boolean);
  const list = JSON.parse(readFileSync(join(here, "photographs.json"), "utf8")) as Photograph[];
  const sources = [...(await drawings(icons, names)), ...(await photographs(list, { gcompris, skimage, scipy }))];

  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const pictures: GalleryPicture[] = [];
  for (const source of sources) pictures.push(await make(source));
  writeFileSync(join(here, "pictures.json"), `[\n${pictures.map((it) => JSON.stringify(it)).join(",\n")}\n]\n`);
  console.log(`${pictures.length} pictures`);
}

async function make({ collection, name, label, picture, credit }: Source): Promise<GalleryPicture> {
  const side = longestSide[collection];
  const { data, info } = await sharp(picture)
    .resize(side, side, { fit: "inside", withoutEnlargement: true })
    .webp({ quality: collection === "drawings" ? 82 : 78, alphaQuality: 90, effort: 6 })
    .toBuffer({ resolveWithObject: true });
  const hash = createHash("sha256").update(data).digest("hex").slice(0, 8);
  // The hash in the name lets browsers keep the file for ever.
  const file = `${name.replaceAll(" ", "-")}-${label}-${hash}.webp`;
  writeFileSync(join(out, file), data);
  return { collection, name, file, width: info.width, height: info.height, credit };
}

await makePictures();
