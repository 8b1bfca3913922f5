import { cp, mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import type { PrecisionChoice } from "../../src/build/write-tower.ts";
import { createEncoder } from "../../src/index.ts";
import type { Model } from "../../src/model/manifest.ts";
import { cosine } from "../../src/tower/vectors.ts";
import { golden } from "../support/tiny-model.ts";

const tiny = { imageDir: join(golden, "tiny/clip"), textDir: join(golden, "tiny/text") };
let work: string;
let int8: Model;
let fp32: Model;

async function build(name: string, precision: PrecisionChoice, pair = tiny): Promise<Model> {
  return buildModel({ ...pair, outDir: join(work, name), name: "tiny", precision });
}

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "int8-"));
  int8 = await build("int8", "int8");
  fp32 = await build("fp32", "fp32");
});
afterAll(() => rm(work, { recursive: true }));

async function picturesOf(model: Model, names: string[]): Promise<Float32Array[]> {
  const encoder = await createEncoder({ model: model.directory });
  try {
    const pictures = await Promise.all(names.map((name) => readFile(join(golden, "images", name))));
    return (await encoder.encodeImages(pictures)).embeddings;
  } finally {
    await encoder.close();
  }
}

describe("an int8 model", () => {
  it("has the same bytes whenever it is built from the same checkpoints", async () => {
    const again = await build("again", "int8");
    expect(again.manifest).toEqual(int8.manifest);
  });

  it("takes a third of the room", () => {
    const size = ({ manifest }: Model, file: string) => manifest.files[file]!.bytes;
    expect(size(int8, "image.weights")).toBeLessThan(size(fp32, "image.weights") / 3);
    expect(size(int8, "text.weights")).toBeLessThan(size(fp32, "text.weights") / 3);
  });

  it("leaves nothing behind from calibration", async () => {
    const files = await readdir(int8.directory);
    expect(files.sort()).toEqual([...Object.keys(int8.manifest.files), "manifest.json"].sort());
  });

  it("says how close its vectors are to fp32's, which on photographs that it has not seen is true", async () => {
    const names = await readdir(join(golden, "images"));
    const exact = await picturesOf(fp32, names);
    const approximate = await picturesOf(int8, names);
    const cosines = exact.map((vector, index) => cosine(vector, approximate[index]!));
    const { fidelity } = int8.manifest.image;
    expect(fidelity!.samples).toBe(64);
    expect(fidelity!.min).toBeGreaterThan(0.995);
    expect(fidelity!.mean).toBeLessThan(1);
    expect(Math.min(...cosines)).toBeGreaterThan(fidelity!.min - 0.002);
    expect(Math.abs(cosines.reduce((sum, value) => sum + value, 0) / cosines.length - fidelity!.mean)).toBeLessThan(
      1e-3,
    );
    expect(fp32.manifest.image.fidelity).toBeUndefined();
  });

  it("gives an image and a text the same bits alone and in a batch", async () => {
    const encoder = await createEncoder({ model: int8.directory });
    try {
      const texts = ["a dog", "two children play football on the beach at sunset", "自転車"];
      const { embeddings } = await encoder.encodeTexts(texts);
      for (const [index, text] of texts.entries()) {
        expect((await encoder.encodeTexts([text])).embeddings[0]).toEqual(embeddings[index]);
      }
    } finally {
      await encoder.close();
    }
    const names = ["photo.jpg", "gray.jpg", "tall.jpg"];
    const together = await picturesOf(int8, names);
    for (const [index, name] of names.entries()) {
      expect((await picturesOf(int8, [name]))[0]).toEqual(together[index]);
    }
  });
});

describe("precision auto", () => {
  it("keeps int8 where it is faithful", async () => {
    const { manifest } = await build("auto", "auto");
    expect([manifest.image.precision, manifest.text.precision]).toEqual(["int8", "int8"]);
    expect(manifest.files["image.weights"]).toEqual(int8.manifest.files["image.weights"]);
  });

  it("falls back to fp32 for the tower alone that quantises badly, and says how badly", async () => {
    const imageDir = await badlyQuantisingCheckpoint();
    const { manifest } = await build("fallback", "auto", { ...tiny, imageDir });
    expect([manifest.image.precision, manifest.text.precision]).toEqual(["fp32", "int8"]);
    expect(manifest.image.fidelity!.min).toBeLessThan(0.98);
    const exact = await build("bad-fp32", "fp32", { ...tiny, imageDir });
    expect(manifest.files["image.weights"]).toEqual(exact.manifest.files["image.weights"]);
  });

  it("is overruled by int8, which says how bad it is", async () => {
    const imageDir = await badlyQuantisingCheckpoint();
    const { manifest } = await build("forced", "int8", { ...tiny, imageDir });
    expect(manifest.image.precision).toBe("int8");
    expect(manifest.image.fidelity!.min).toBeLessThan(0.98);
  });
});

/**
 * Makes the tiny pair's image tower, changed so that int8 cannot hold it: where a layer norm all but silences a
 * channel, the weights behind it are as much larger. In fp32 nothing is lost; in int8 the large weights take all of
 * their rows' steps.
 */
async function badlyQuantisingCheckpoint(): Promise<string> {
  const directory = await mkdtemp(join(work, "bad-"));
  await cp(tiny.imageDir, directory, { recursive: true });
  const file = await open(join(directory, "0_CLIPModel/model.safetensors"), "r+");
  const prefix = Buffer.alloc(8);
  await file.read(prefix, 0, 8, 0);
  const headerBytes = Number(prefix.readBigUInt64LE());
  const header = Buffer.alloc(headerBytes);
  await file.read(header, 0, headerBytes, 8);
  const tensors: Record<string, { shape: number[]; data_offsets: [number, number] }> = JSON.parse(header.toString());
  for (const [name, { shape, data_offsets }] of Object.entries(tensors)) {
    const [start, end] = data_offsets ?? [0, 0];
    const silenced = /vision_model.*layer_norm2\.(weight|bias)$/.test(name);
    const amplified = /vision_model.*mlp\.fc1\.weight$/.test(name);
    if (!silenced && !amplified) continue;
    const values = new Float32Array((end - start) / 4);
    const bytes = Buffer.from(values.buffer);
    await file.read(bytes, 0, bytes.length, 8 + headerBytes + start);
    const stride = amplified ? shape[1]! : values.length;
    for (let channel = 0; channel < values.length; channel += stride) values[channel]! *= amplified ? 1e5 : 1e-5;
    await file.write(bytes, 0, bytes.length, 8 + headerBytes + start);
  }
  await file.close();
  return directory;
}
