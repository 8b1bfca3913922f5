/**
 * `npx tsx bench/forms.ts` makes int8 vectors of made-up pictures and sentences with this processor's products and with those
 * of a processor that has AVX2 alone (as-avx2.ts), and prints the cosines between both, and of each with fp32.
 */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { createEncoder } from "../src/encoder/encoder.ts";
import { cosine } from "../src/tower/vectors.ts";
import { defaultWork, fullSizeModels, type Precision } from "./full-size-models.ts";
import { jpeg, textBodies } from "./http/inputs.ts";
import { machine } from "./report.ts";

const { values: flags } = parseArgs({
  options: {
    items: { type: "string", default: "60" },
    work: { type: "string", default: defaultWork },
    /** Prints the vectors of one precision and does nothing else. */
    vectors: { type: "string" },
  },
});

type Vectors = Record<"images" | "texts", number[][]>;

async function vectors(precision: Precision): Promise<Vectors> {
  const model = (await fullSizeModels(flags.work))[precision];
  const encoder = await createEncoder({ model });
  const pictures: Buffer[] = [];
  for (let seed = 0; seed < Number(flags.items); seed++) pictures.push(await jpeg({ seed, width: 640, height: 480 }));
  const body = textBodies();
  const sentences = pictures.map(() => JSON.parse(body()).text as string); // textBodies() writes it so
  const images = await encoder.encodeImages(pictures);
  const texts = await encoder.encodeTexts(sentences);
  await encoder.close();
  const plain = ({ embeddings }: { embeddings: Float32Array[] }) => embeddings.map((it) => [...it]);
  return { images: plain(images), texts: plain(texts) };
}

if (flags.vectors) {
  process.stdout.write(JSON.stringify(await vectors(flags.vectors as Precision)));
} else {
  const child = ["tsx", import.meta.filename, "--vectors", "int8", "--items", flags.items, "--work", flags.work];
  const asAvx2 = [resolve(import.meta.dirname, "as-avx2.ts"), "npx", ...child];
  const { stdout, status } = spawnSync("npx", ["tsx", ...asAvx2], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`as-avx2.ts ended with ${status}`);
  const avx2: Vectors = JSON.parse(stdout);
  const [int8, fp32] = [await vectors("int8"), await vectors("fp32")];
  console.log(machine());
  const pairs = {
    "this processor, AVX2": [int8, avx2],
    "this processor, fp32": [int8, fp32],
    "AVX2, fp32": [avx2, fp32],
  };
  for (const [name, [a, b]] of Object.entries(pairs)) {
    for (const what of ["images", "texts"] as const) {
      const all = a![what].map((vector, at) => cosine(Float32Array.from(vector), Float32Array.from(b![what][at]!)));
      const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
      console.log(`${name}, ${what}: mean ${mean.toFixed(6)}, least ${Math.min(...all).toFixed(6)}`);
    }
  }
}
