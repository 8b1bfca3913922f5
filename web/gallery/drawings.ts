import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { Source } from "./make-pictures.ts";

interface IconSet {
  icons: Record<string, { body: string; width?: number; height?: number }>;
  aliases?: Record<string, { parent: string }>;
  width?: number;
  height?: number;
}

/** Each concept is drawn in one of these styles, in turn; every sixth is drawn in two. */
const styles = ["3d", "flat", "noto"] as const;
const side = 256;

/** Lists the drawings of drawings.txt, from a folder in which the three icon packages are installed. */
export async function drawings(modules: string, names: string[]): Promise<Source[]> {
  const sets = { flat: readSet(modules, "fluent-emoji-flat"), noto: readSet(modules, "noto") };
  const codes = new Map<string, string>();
  for (const set of ["noto", "fluent-emoji-flat"]) {
    for (const [code, name] of Object.entries(readJson<Record<string, string>>(modules, set, "chars.json"))) {
      if (!codes.has(name)) codes.set(name, code);
    }
  }
  const draw = async (name: string, style: (typeof styles)[number]): Promise<Source | undefined> => {
    const picture = style === "3d" ? read3d(modules, codes.get(name)) : await rasterize(sets[style], name);
    const credit = { "3d": "fluent-3d", flat: "fluent-flat", noto: "noto" }[style];
    return picture && { collection: "drawings", name: name.replaceAll("-", " "), label: style, picture, credit };
  };

  const found: Source[] = [];
  for (const [index, name] of names.entries()) {
    const turn = [0, 1, 2].map((step) => styles[(index + step) % styles.length]!);
    const drawn = [];
    for (const style of turn) {
      const drawing = await draw(name, style);
      if (drawing) drawn.push(drawing);
    }
    if (drawn.length === 0) throw new Error(`No package draws ${name}.`);
    found.push(...drawn.slice(0, index % 6 === 0 ? 2 : 1));
  }
  return found;
}

function read3d(modules: string, code: string | undefined): Buffer | undefined {
  const folder = join(modules, "@lobehub/fluent-emoji-3d/assets");
  const file = [`${code}.webp`, `${code}-fe0f.webp`].map((name) => join(folder, name)).find(existsSync);
  return file ? readFileSync(file) : undefined;
}

async function rasterize(set: IconSet, name: string): Promise<Buffer | undefined> {
  const icon = set.icons[set.aliases?.[name]?.parent ?? name];
  if (!icon) return undefined;
  const width = icon.width ?? set.width ?? 16;
  const height = icon.height ?? set.height ?? 16;
  const size = `width="${side}" height="${side}" viewBox="0 0 ${width} ${height}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${icon.body}</svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

function readSet(modules: string, set: string): IconSet {
  return readJson<IconSet>(modules, set, "icons.json");
}

function readJson<T>(modules: string, set: string, file: string): T {
  return JSON.parse(readFileSync(join(modules, "@iconify-json", set, file), "utf8")) as T;
}
