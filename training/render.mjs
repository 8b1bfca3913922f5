// Draws every picture of every package at 104x104 with its alpha channel kept.
//
//   node render.mjs --packages node_modules --concepts data/concepts.json --out data [--clipart DIR] [--symbola FILE]
//     [--only openmoji,openmoji-black]
//
// Training pictures go to pictures.rgba (N x 104 x 104 x 4 bytes) with one line each in pictures.jsonl:
//   {"row": 17, "style": "noto", "variant": "outline", "concept": 1203}
// Pictures that are only ever used to evaluate go to heldout.rgba and heldout.jsonl, so that training cannot read them by mistake.
//
// Variants are made on the vector drawing, before it becomes pixels: outlines around every shape, line art without fills,
// another palette. They are what carries a concept across styles.

import { createWriteStream, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { listPictures } from "./sources.mjs";
import { variantsOf } from "./variants.mjs";

const SIZE = 104; // pixels a side; training crops and scales to 96 or less
const CONCURRENT = 8; // renders in flight; sharp runs them on its own threads

sharp.cache(false);

/** Renders SVG text or an image file to SIZE x SIZE straight-alpha RGBA, fitted inside and centred. */
async function renderRgba(source) {
  const options = source.svg ? { density: densityOf(source.svg) } : {};
  return sharp(source.svg ? Buffer.from(source.svg) : source.file, options)
    .resize(SIZE, SIZE, { fit: "contain", background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .toColourspace("srgb")
    .ensureAlpha()
    .raw()
    .toBuffer();
}

/** Dots per inch that draw the longer side with about twice the pixels that are kept. */
function densityOf(svg) {
  const box = /viewBox="[-\d.]+[ ,]+[-\d.]+[ ,]+([\d.]+)[ ,]+([\d.]+)"/.exec(svg);
  const side = box ? Math.max(Number(box[1]), Number(box[2])) : 64;
  return Math.min(2400, Math.max(1, (72 * 2 * SIZE) / side));
}

async function renderAll(jobs, out, name) {
  const pixels = createWriteStream(`${out}/${name}.rgba`);
  const lines = createWriteStream(`${out}/${name}.jsonl`);
  const started = Date.now();
  let row = 0;
  let failed = 0;
  for (let at = 0; at < jobs.length; at += CONCURRENT) {
    const batch = jobs.slice(at, at + CONCURRENT);
    const drawn = await Promise.allSettled(batch.map(renderRgba));
    for (const [i, result] of drawn.entries()) {
      if (result.status === "rejected" || result.value.length !== SIZE * SIZE * 4) {
        failed += 1;
        continue;
      }
      const { style, variant, concept } = batch[i];
      lines.write(`${JSON.stringify({ row, style, variant, concept })}\n`);
      if (!pixels.write(result.value)) await new Promise((resolve) => pixels.once("drain", resolve));
      row += 1;
    }
    if (at % 4096 === 0) {
      const seconds = (Date.now() - started) / 1000;
      const left = (seconds / (at + CONCURRENT)) * (jobs.length - at);
      console.log(`${name}: ${row} of ${jobs.length}, ${seconds.toFixed(0)} s, about ${left.toFixed(0)} s left`);
    }
  }
  await Promise.all([pixels, lines].map((stream) => new Promise((resolve) => stream.end(resolve))));
  console.log(`${name}: ${row} pictures, ${failed} could not be drawn`);
}

const { values } = parseArgs({
  options: {
    packages: { type: "string", default: "node_modules" },
    concepts: { type: "string", default: "data/concepts.json" },
    out: { type: "string", default: "data" },
    clipart: { type: "string" }, // Open Clipart's folder of SVGs; without it that style is left out
    symbola: { type: "string" }, // the Symbola font; without it that style is left out
    only: { type: "string" },
  },
});
const concepts = JSON.parse(readFileSync(values.concepts, "utf8"));
const wanted = values.only ? new Set(values.only.split(",")) : undefined;
const pictures = listPictures(values.packages, concepts, values).filter((p) => !wanted || wanted.has(p.style));
const heldOut = pictures.filter((p) => p.heldOut);
const training = pictures.filter((p) => !p.heldOut).flatMap((p) => [p, ...(p.svg ? variantsOf(p) : [])]);

const perStyle = {};
for (const p of pictures) perStyle[p.style] = (perStyle[p.style] ?? 0) + 1;
console.log(perStyle);
if (heldOut.length > 0) await renderAll(heldOut, values.out, "heldout");
if (training.length > 0) await renderAll(training, values.out, "pictures");
