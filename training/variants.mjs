// Variants of a vector drawing: the same concept in other outlines, palettes and fills. Text in, text out; no SVG parser is
// needed because all packages write plain presentation attributes.

const HEX = /#(?:[0-9a-f]{6}|[0-9a-f]{3})\b/gi;

/** A small deterministic random generator (mulberry32), so that a render is the same on every machine. */
function randomFrom(seedText) {
  let state = 2166136261;
  for (let i = 0; i < seedText.length; i += 1) state = Math.imul(state ^ seedText.charCodeAt(i), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function rgbOf(hex) {
  const digits = hex.length === 4 ? [...hex.slice(1)].map((d) => d + d).join("") : hex.slice(1);
  return [0, 2, 4].map((i) => Number.parseInt(digits.slice(i, i + 2), 16));
}

const hexOf = (rgb) =>
  `#${rgb
    .map((v) =>
      Math.round(Math.min(255, Math.max(0, v)))
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
const luminance = ([r, g, b]) => (0.299 * r + 0.587 * g + 0.114 * b) / 255;

/** Moves one colour: turned in hue, scaled in saturation and brightness. */
function shifted(hex, hueTurn, saturation, brightness) {
  const rgb = rgbOf(hex);
  const grey = 255 * luminance(rgb);
  const cos = Math.cos(hueTurn);
  const sin = Math.sin(hueTurn) / Math.sqrt(3);
  const mean = (rgb[0] + rgb[1] + rgb[2]) / 3;
  const turned = [0, 1, 2].map((i) => mean + (rgb[i] - mean) * cos + (rgb[(i + 1) % 3] - rgb[(i + 2) % 3]) * sin);
  return hexOf(turned.map((v) => brightness * (grey + (v - grey) * saturation)));
}

/** Every colour of the drawing moved a little on its own, so that no colour alone tells the concept. */
function otherPalette(body, random) {
  const map = new Map();
  return body.replace(HEX, (hex) => {
    const key = hex.toLowerCase();
    if (!map.has(key)) map.set(key, shifted(key, (random() - 0.5) * 2.2, 0.4 + random() * 1.2, 0.75 + random() * 0.45));
    return map.get(key);
  });
}

/** Light fills become white (or nothing), dark ones stay: what is left is drawn by its outlines. */
function lineArt(body, fill) {
  return body
    .replace(/url\(#[^)]*\)/g, "#ffffff")
    .replace(/(fill="|fill:)(#[0-9a-f]{3,6}|white)/gi, (_all, head, colour) =>
      colour.startsWith("#") && luminance(rgbOf(colour)) < 0.28 ? `${head}#000` : head + fill,
    )
    .replace(/(stroke="|stroke:)#[0-9a-f]{3,6}/gi, "$1#000")
    .replace(/ (fill-)?opacity="[^"]*"/g, "");
}

/** One flat colour for each gradient: the middle of its stops is as good as any. */
function flatColours(body) {
  const stops = new Map();
  for (const [, id, inside] of body.matchAll(/<(?:linear|radial)Gradient[^>]*\bid="([^"]+)"[^>]*>([\s\S]*?)<\//g)) {
    const colours = inside.match(HEX);
    if (colours) stops.set(id, colours[Math.floor(colours.length / 2)]);
  }
  return body.replace(/url\(#([^)]+)\)/g, (all, id) => stops.get(id) ?? all);
}

const outlined = (body, width, colour) =>
  `<g stroke="${colour}" stroke-width="${width.toFixed(3)}" stroke-linejoin="round" stroke-linecap="round">${body}</g>`;

/** Wraps the inside of an SVG (what lies between the root's tags), keeping the root. */
function withBody(svg, change) {
  const open = /<svg[^>]*>/.exec(svg);
  if (!open) return svg;
  const start = open.index + open[0].length;
  const end = svg.lastIndexOf("</svg>");
  return svg.slice(0, start) + change(svg.slice(start, end)) + svg.slice(end);
}

/** The variants of a picture {style, concept, svg, side, flag, mono}. `side` is the longer side of its view box. */
export function variantsOf(picture) {
  const random = randomFrom(`${picture.style} ${picture.concept}`);
  const pen = () => (picture.side / 72) * (0.9 + random() * 1.6);
  const make = (variant, change) => ({ ...picture, variant, svg: withBody(picture.svg, change) });
  if (picture.flag) return []; // a flag is its colours
  if (picture.mono) {
    return [
      make("hollow", (body) => outlined(body.replaceAll("#000", "#fff"), pen(), "#000")),
      make("colour", (body) => body.replaceAll("#000", hexOf([random() * 200, random() * 200, random() * 200]))),
    ];
  }
  return [
    make("outline", (body) => outlined(flatColours(body), pen(), "#000")),
    make("outline-palette", (body) =>
      outlined(otherPalette(flatColours(body), random), pen(), random() < 0.7 ? "#000" : "#444"),
    ),
    make("line-white", (body) => outlined(lineArt(body, "#fff"), pen(), "#000")),
    make("line-hollow", (body) => outlined(lineArt(body, "none"), pen(), "#000")),
    make("palette", (body) => otherPalette(body, random)),
  ];
}
