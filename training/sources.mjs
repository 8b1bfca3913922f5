// Where the pictures are and which concept each one draws.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as fontkit from "fontkit";

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
const withoutFe0f = (code) =>
  code
    .toLowerCase()
    .split("-")
    .filter((point) => point !== "fe0f")
    .map((point) => point.replace(/^0+/, ""))
    .join("-");

/** Icon sets of the iconify format. `by`: how an icon is joined to a concept. */
const ICON_SETS = [
  { style: "noto", by: "code" },
  { style: "noto-v1", by: "name" },
  { style: "twemoji", by: "code" },
  { style: "fluent-emoji", by: "name" },
  { style: "fluent-emoji-flat", by: "code" },
  { style: "fluent-emoji-high-contrast", by: "code", mono: true },
  { style: "emojione", by: "name" },
  { style: "emojione-monotone", by: "name", mono: true },
  { style: "fxemoji", by: "squashed" },
  { style: "streamline-emojis", by: "numbered" },
];

/**
 * General icon sets: the icons whose name, less its weight ("-outline"), is a concept's, or with `ending` ends in one
 * ("animal-bat"). At most `most` of a concept.
 */
const GENERAL_SETS = [
  { style: "icon-park", most: 2 },
  { style: "flat-color-icons", most: 2 },
  { style: "streamline-color", most: 2 },
  { style: "game-icons", mono: true, most: 2 },
  { style: "ph", mono: true, most: 4 },
  { style: "tabler", mono: true, most: 2 },
  { style: "lucide", mono: true, most: 2 },
  { style: "mdi", mono: true, most: 2 },
  { style: "fa6-solid", mono: true, most: 2 },
  { style: "healthicons", mono: true, most: 2, ending: true },
  ...["cyber", "flex", "freehand", "kameleon", "plump", "sharp", "stickies", "ultimate"].map((family) => ({
    style: `streamline-${family}-color`,
    most: 3,
    ending: true,
  })),
  { style: "fluent-color", most: 2 },
  { style: "flat-ui", most: 2 },
  { style: "marketeq", most: 2 },
  { style: "meteocons", most: 2 },
].map((set) => ({ ...set, by: "name", loose: true }));

const WEIGHT =
  /-(outlined?|fill(ed)?|bold|thin|light|duotone|duo|flat|negative|variant|solid|alt|line|one|two|\d+(px)?)$/;

/** "apple-fill" -> "apple", "dog-side-2" -> "dog-side" */
function withoutWeight(name) {
  const shorter = name.replace(WEIGHT, "");
  return shorter === name ? name : withoutWeight(shorter);
}

/** Folders of Open Clipart that hold no drawings of things. */
const NO_THINGS =
  /^(computer\/(icons|buttons|folders)|buttons|logos|shapes|special|signs_and_symbols|geography|unsorted)/;
const CLIPART_OF_A_CONCEPT = 20;

/** Flag packages. circle-flags and flagpack: the first is kept for evaluation only. */
const HELD_OUT_FLAGS = "flagpack";

/** The code points of a concept's emoji. */
const pointsOf = (concept) => concept.code.split("-").map((point) => Number.parseInt(point, 16));

/** An SVG file of a view box [left, top, width, height] and what is drawn in it. */
const svgFile = (box, body) =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${box.join(" ")}">${body}</svg>`;

/** The icons of a set as {name: svg}, aliases that only rename included. */
function readIconSet(packages, style, mono) {
  const set = readJson(`${packages}/@iconify-json/${style}/icons.json`);
  const svgOf = (icon) => {
    const width = icon.width ?? set.width ?? 16;
    const height = icon.height ?? set.height ?? 16;
    const body = mono ? icon.body.replaceAll("currentColor", "#000") : icon.body;
    const svg = svgFile([icon.left ?? 0, icon.top ?? 0, width, height], body);
    return { svg, side: Math.max(width, height) };
  };
  const icons = new Map(Object.entries(set.icons).map(([name, icon]) => [name, svgOf(icon)]));
  for (const [name, alias] of Object.entries(set.aliases ?? {})) {
    const plain = !alias.hFlip && !alias.vFlip && !alias.rotate;
    if (plain && icons.has(alias.parent)) icons.set(name, icons.get(alias.parent));
  }
  return icons;
}

/** {icon name: concept number} for one way of joining. */
function nameJoin(packages, concepts, by, style) {
  const byCode = new Map(concepts.map((concept, i) => [concept.code, i]));
  const join = new Map();
  const add = (name, concept) => join.has(name) || join.set(name, concept);
  if (by === "code") {
    for (const [code, name] of Object.entries(readJson(`${packages}/@iconify-json/${style}/chars.json`))) {
      const concept = byCode.get(withoutFe0f(code));
      if (concept !== undefined) add(name, concept);
    }
    return join;
  }
  const names = concepts.map((concept, i) => [concept.slug, i]);
  for (const known of ["noto", "twemoji", "fluent-emoji-flat"]) {
    for (const [name, concept] of nameJoin(packages, concepts, "code", known)) names.push([name, concept]);
  }
  for (const [name, concept] of names) {
    if (by === "squashed") add(name.replaceAll("-", ""), concept);
    else add(name, concept);
    if (by === "numbered") for (let i = 1; i <= 6; i += 1) add(`${name}-${i}`, concept);
  }
  return join;
}

/** The concept of an icon's whole name or, with `ending`, of the most words that it ends in. */
function conceptOfIcon(name, join, ending) {
  const words = withoutWeight(name).split("-");
  for (let at = 0; at < (ending ? words.length : 1); at += 1) {
    const concept = join.get(words.slice(at).join("-"));
    if (concept !== undefined) return concept;
  }
  return undefined;
}

function iconPictures(packages, concepts) {
  const sets = [...ICON_SETS, ...GENERAL_SETS];
  return sets.flatMap(({ style, by, mono = false, loose = false, ending = false, most = Infinity }) => {
    const join = nameJoin(packages, concepts, by, style);
    const pictures = [];
    const seen = new Set();
    const count = new Map();
    for (const [name, icon] of readIconSet(packages, style, mono)) {
      const concept = join.get(name) ?? (loose ? conceptOfIcon(name, join, ending) : undefined);
      const key = `${concept} ${icon.svg.length}`;
      if (concept === undefined || seen.has(key) || (count.get(concept) ?? 0) >= most) continue;
      if (loose && concepts[concept].flag) continue;
      seen.add(key);
      count.set(concept, (count.get(concept) ?? 0) + 1);
      pictures.push({ style, variant: "plain", concept, mono, flag: concepts[concept].flag, ...icon });
    }
    return pictures;
  });
}

/** Packages with one file a code point, such as 1f431.png. */
function filePictures(packages, concepts) {
  const byCode = new Map(concepts.map((concept, i) => [concept.code, i]));
  const folders = [
    { style: "fluent-emoji-3d", folder: "@lobehub/fluent-emoji-3d/assets", ending: ".webp" },
    { style: "google", folder: "emoji-datasource-google/img/google/64", ending: ".png" },
    { style: "openmoji", folder: "openmoji/color/svg", ending: ".svg", heldOut: true },
    { style: "openmoji-black", folder: "openmoji/black/svg", ending: ".svg", heldOut: true },
  ];
  return folders.flatMap(({ style, folder, ending, heldOut = false }) => {
    if (!existsSync(`${packages}/${folder}`)) return [];
    const pictures = [];
    const seen = new Set();
    for (const file of readdirSync(`${packages}/${folder}`).sort()) {
      const concept = file.endsWith(ending) ? byCode.get(withoutFe0f(file.slice(0, -ending.length))) : undefined;
      if (concept === undefined || seen.has(concept)) continue;
      seen.add(concept);
      const path = `${packages}/${folder}/${file}`;
      const source = ending === ".svg" ? { svg: readFileSync(path, "utf8"), side: 72 } : { file: path };
      pictures.push({ style, variant: "plain", concept, heldOut, flag: concepts[concept].flag, ...source });
    }
    return pictures;
  });
}

/** The glyph that draws a text whole, from the first of the fonts that has one. */
function glyphOf(fonts, text) {
  for (const font of fonts) {
    const { glyphs } = font.layout(text);
    if (glyphs.length === 1 && glyphs[0].id !== 0 && glyphs[0].path.commands.length > 0) return glyphs[0];
  }
  return undefined;
}

/** Fonts of black line drawings: Noto Emoji in two weights, each in a dozen files, and Symbola if `symbola` is unpacked. */
function fontPictures(packages, concepts, symbola) {
  const folder = `${packages}/@fontsource/noto-emoji/files`;
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const weight = (number) => files.filter((f) => f.endsWith(`-${number}-normal.woff2`)).map((f) => `${folder}/${f}`);
  const styles = [
    { style: "noto-font", paths: weight(400) },
    { style: "noto-font-bold", paths: weight(700) },
    { style: "symbola", paths: symbola && existsSync(symbola) ? [symbola] : [] },
  ];
  return styles.flatMap(({ style, paths }) => {
    const fonts = paths.map((path) => fontkit.create(readFileSync(path)));
    return concepts.flatMap((concept, i) => {
      const glyph = concept.flag ? undefined : glyphOf(fonts, String.fromCodePoint(...pointsOf(concept)));
      if (!glyph) return [];
      const { minX, minY, maxX, maxY } = glyph.bbox;
      const side = Math.max(maxX - minX, maxY - minY);
      const margin = side * 0.04;
      const box = [minX - margin, -maxY - margin, maxX - minX + 2 * margin, maxY - minY + 2 * margin];
      const body = `<path transform="scale(1 -1)" fill="#000" d="${glyph.path.toSVG()}"/>`;
      return [{ style, variant: "plain", concept: i, mono: true, flag: false, svg: svgFile(box, body), side }];
    });
  });
}

/** The concept of the longest run of words in a file's name that names one: "contour_polar_bear_02" -> polar bear. */
function conceptInWords(words, join) {
  for (let length = Math.min(4, words.length); length > 0; length -= 1) {
    for (let at = 0; at + length <= words.length; at += 1) {
      const concept = join.get(words.slice(at, at + length).join("-"));
      if (concept !== undefined) return concept;
    }
  }
  return undefined;
}

/** The one concept among the keywords that a drawing carries in its metadata. */
function conceptInKeywords(svg, join) {
  const keywords = [...svg.matchAll(/<rdf:li>([^<]+)/g)].map(([, word]) =>
    word.trim().toLowerCase().replaceAll(" ", "-"),
  );
  const found = new Set(keywords.map((word) => join.get(word)).filter((concept) => concept !== undefined));
  return found.size === 1 ? [...found][0] : undefined;
}

/**
 * Open Clipart's public-domain drawings (Debian's openclipart-svg, unpacked into `folder`), joined by the words of their names,
 * else by their keywords.
 */
function clipartPictures(folder, concepts) {
  if (!folder || !existsSync(folder)) return [];
  const join = new Map(concepts.map((concept, i) => [concept.slug, i]).filter(([, i]) => !concepts[i].flag));
  const count = new Map();
  const pictures = [];
  for (const path of readdirSync(folder, { recursive: true }).sort()) {
    if (!path.endsWith(".svg") || NO_THINGS.test(path)) continue;
    const words = path
      .slice(path.lastIndexOf("/") + 1, -4)
      .toLowerCase()
      .split(/[^a-z]+/);
    const concept = conceptInWords(words, join) ?? conceptInKeywords(readFileSync(`${folder}/${path}`, "utf8"), join);
    if (concept === undefined || (count.get(concept) ?? 0) >= CLIPART_OF_A_CONCEPT) continue;
    count.set(concept, (count.get(concept) ?? 0) + 1);
    pictures.push({ style: "openclipart", variant: "plain", concept, flag: false, file: `${folder}/${path}` });
  }
  return pictures;
}

/** {concept of a flag: region code}, e.g. "de" or "gb-eng". */
function regionOf(concept) {
  const points = pointsOf(concept);
  if (points[0] !== 0x1f3f4) return points.map((point) => String.fromCharCode(point - 0x1f1e6 + 97)).join("");
  const letters = points
    .slice(1, -1)
    .map((point) => String.fromCharCode(point - 0xe0000))
    .join("");
  return `${letters.slice(0, 2)}-${letters.slice(2)}`;
}

function flagPictures(packages, concepts) {
  const flags = concepts.map((concept, i) => ({ ...concept, i })).filter((concept) => concept.flag);
  const folders = [
    { style: "flag-icons", folder: "flag-icons/flags/4x3" },
    { style: "flag-icons-square", folder: "flag-icons/flags/1x1" },
    { style: "country-flag-icons", folder: "country-flag-icons/3x2", upper: true },
    { style: "svg-country-flags", folder: "svg-country-flags/png250px", ending: ".png" },
  ];
  const sets = ["circle-flags", "flagpack", "cif"].map((style) => ({
    style,
    icons: readIconSet(packages, style, false),
  }));
  return flags.flatMap((concept) => {
    const region = regionOf(concept);
    const base = { variant: "plain", concept: concept.i, flag: true };
    const files = folders.flatMap(({ style, folder, ending = ".svg", upper }) => {
      const path = `${packages}/${folder}/${upper ? region.toUpperCase() : region}${ending}`;
      if (!existsSync(path)) return [];
      return [
        { ...base, style, ...(ending === ".svg" ? { svg: readFileSync(path, "utf8"), side: 640 } : { file: path }) },
      ];
    });
    const icons = sets.flatMap(({ style, icons: set }) =>
      set.has(region) ? [{ ...base, style, heldOut: style === HELD_OUT_FLAGS, ...set.get(region) }] : [],
    );
    return [...files, ...icons];
  });
}

/** Every picture: {style, variant, concept, flag, heldOut, and svg with side, or file}. */
export function listPictures(packages, concepts, { clipart, symbola }) {
  return [
    ...iconPictures(packages, concepts),
    ...filePictures(packages, concepts),
    ...fontPictures(packages, concepts, symbola),
    ...flagPictures(packages, concepts),
    ...clipartPictures(clipart, concepts),
  ];
}
