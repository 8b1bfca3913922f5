import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEncoder } from "../../src/index.ts";
import { buildId } from "../../src/model/build-id.ts";
import type { GalleryPicture, GalleryVectorsHead } from "../src/collections/gallery-data.ts";

const here = import.meta.dirname;
/** An int16 holds a number of a unit vector to 0.000015, and takes half of a float32. */
const scale = 32767;

/** Encodes the gallery's pictures with the embedded model, for the page to search them at once. */
async function makeVectors(): Promise<void> {
  const pictures = JSON.parse(readFileSync(join(here, "pictures.json"), "utf8")) as GalleryPicture[];
  const modelsDir = await mkdtemp(join(tmpdir(), "gallery-"));
  const encoder = await createEncoder({ modelsDir });
  try {
    const { name: model, dimensions, image } = encoder.manifest;
    const vectors = new Int16Array(pictures.length * dimensions);
    for (const [index, { file }] of pictures.entries()) {
      const picture = readFileSync(join(here, "../public/gallery", file));
      const { embeddings } = await encoder.encodeImages([picture]);
      vectors.set(
        embeddings[0]!.map((value) => Math.round(value * scale)),
        index * dimensions,
      );
    }
    const head: GalleryVectorsHead = {
      model,
      precision: image.precision,
      buildId: buildId(encoder.manifest),
      dimensions,
    };
    writeFileSync(join(here, "vectors.bin"), Buffer.from(vectors.buffer)); // little-endian, as every machine we run on
    writeFileSync(join(here, "vectors.json"), `${JSON.stringify(head, null, 2)}\n`);
    console.log(`${pictures.length} vectors of ${model} (${image.precision})`);
  } finally {
    await encoder.close();
    await rm(modelsDir, { recursive: true, force: true });
  }
}

await makeVectors();
