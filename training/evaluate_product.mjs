// The tests through the product's own encoder, and how far its vectors are from PyTorch's.
//
//   node evaluate_product.mjs --inputs work/product [--checkpoint work/everyday-mini] [--model folder] [--precision int8]
//
// `--inputs` holds the sets that `python -m pictogram.product_inputs` wrote. With --checkpoint the product first builds
// a model of it; without, --model names a built model (by default the embedded one). The product must have been built:
// `npm run build`.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = new URL("..", import.meta.url);
const BATCH = 64;

const { values } = parseArgs({
  options: {
    inputs: { type: "string" },
    checkpoint: { type: "string" },
    model: { type: "string" },
    precision: { type: "string", default: "fp32" },
  },
});

/** Vectors of 512 float32 from a file without a header. */
function readVectors(path) {
  const bytes = readFileSync(path);
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return Array.from({ length: all.length / 512 }, (_, i) => all.subarray(i * 512, (i + 1) * 512));
}

/** A plain loop: this runs some hundred million times over. */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

/** Encodes in batches; returns unit vectors. */
async function encodeAll(items, encode) {
  const vectors = [];
  for (let at = 0; at < items.length; at += BATCH) {
    vectors.push(...(await encode(items.slice(at, at + BATCH))).embeddings);
  }
  return vectors;
}

/** How many pictures are nearer to a text than the best right one. */
function rankOf(text, pictures, right) {
  const scores = pictures.map((picture) => dot(text, picture));
  const best = Math.max(...right.map((i) => scores[i]));
  return scores.filter((score) => score > best).length;
}

function recall(queries, texts, pictures) {
  const byGroup = new Map();
  for (const [i, { group, right }] of queries.entries()) {
    const ranks = byGroup.get(group) ?? byGroup.set(group, []).get(group);
    ranks.push(rankOf(texts[i], pictures, right));
  }
  return byGroup;
}

const share = (ranks, below) => ((100 * ranks.filter((rank) => rank < below).length) / ranks.length).toFixed(1);

async function buildCheckpoint(checkpoint, outDir) {
  const { buildModel } = await import(new URL("dist/build/build.js", ROOT));
  await buildModel({
    imageDir: join(checkpoint, "image"),
    textDir: join(checkpoint, "text"),
    outDir,
    name: "evaluated",
    precision: values.precision,
  });
  return outDir;
}

async function evaluateSet(encoder, folder) {
  const { pictures: count, queries } = JSON.parse(readFileSync(join(folder, "inputs.json"), "utf8"));
  const files = Array.from({ length: count }, (_, i) => readFileSync(join(folder, "pictures", `${i}.png`)));
  const pictures = await encodeAll(files, (batch) => encoder.encodeImages(batch));
  const texts = await encodeAll(
    queries.map((query) => query.text),
    (batch) => encoder.encodeTexts(batch),
  );
  const reference = {
    pictures: readVectors(join(folder, "pictures.f32")),
    texts: readVectors(join(folder, "texts.f32")),
  };
  const worst = (ours, theirs) => Math.min(...ours.map((vector, i) => dot(vector, theirs[i]))).toFixed(6);
  console.log(
    `smallest cosine with PyTorch: pictures ${worst(pictures, reference.pictures)}, texts ${worst(texts, reference.texts)}`,
  );
  const product = recall(queries, texts, pictures);
  const pytorch = recall(queries, reference.texts, reference.pictures);
  console.log("\n| group | R@1 product | R@1 PyTorch | R@10 product | R@10 PyTorch | n |\n|---|---|---|---|---|---|");
  for (const [group, ranks] of product) {
    const other = pytorch.get(group);
    console.log(
      `| ${group} | ${share(ranks, 1)} | ${share(other, 1)} | ${share(ranks, 10)} | ${share(other, 10)} | ${ranks.length} |`,
    );
  }
}

const scratch = mkdtempSync(join(tmpdir(), "evaluate-"));
const { createEncoder } = await import(new URL("dist/index.js", ROOT));
const model = values.checkpoint ? await buildCheckpoint(values.checkpoint, join(scratch, "model")) : values.model;
const encoder = await createEncoder(model ? { model } : {});
try {
  for (const name of readdirSync(values.inputs).sort()) {
    console.log(`\n## ${name}\n`);
    await evaluateSet(encoder, join(values.inputs, name));
  }
} finally {
  await encoder.close();
  rmSync(scratch, { recursive: true, force: true });
}
