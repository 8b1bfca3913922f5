import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import type { Tensor } from "../../src/engine/contract.ts";
import { type GraphSession, openSession } from "../../src/engine/session.ts";
import { createEncoder } from "../../src/index.ts";
import { openModel } from "../../src/model/folder.ts";
import type { Model } from "../../src/model/manifest.ts";
import { textTensors } from "../../src/text/tensors.ts";
import { openTokenizer } from "../../src/text/tokenizer.ts";
import { cosine } from "../../src/tower/vectors.ts";
import { copyPair, editJson, second, temporaryFolder } from "../support/checkpoints.ts";
import { golden } from "../support/tiny-model.ts";

interface Reference {
  texts: { text: string; ids: number[]; embedding: number[] }[];
  images: Record<string, number[]>;
  pixels: { base64: string; embedding: number[] }[];
}

const reference: Reference = JSON.parse(await readFile(join(second, "reference.json"), "utf8"));
const pair = {
  imageDir: join(second, "image"),
  textDir: join(second, "text"),
  name: "second",
  precision: "fp32",
} as const;

let model: Model;
let image: GraphSession;
let text: GraphSession;

beforeAll(async () => {
  model = await buildModel({ ...pair, outDir: join(await temporaryFolder(), "model") });
  image = await openSession({ graph: join(model.directory, "image.onnx"), threads: 1 });
  text = await openSession({ graph: join(model.directory, "text.onnx"), threads: 1 });
});
afterAll(() => Promise.all([image?.close(), text?.close()]));

function pixelTensors(pictures: string[]): Tensor[] {
  const data = Uint8Array.from(Buffer.concat(pictures.map((picture) => Buffer.from(picture, "base64"))));
  return [{ name: "pixels", data, dims: [pictures.length, 40, 40, 3] }];
}

const row = (vectors: Float32Array, index: number) => vectors.slice(index * 96, (index + 1) * 96);

function expectClose(actual: Float32Array, expected: number[]): void {
  expect(actual).toHaveLength(expected.length);
  expect(cosine(actual, Float32Array.from(expected))).toBeGreaterThan(0.999999);
  for (const [d, value] of expected.entries()) expect(actual[d]).toBeCloseTo(value, 4);
}

describe("a pair with other sizes, other number formats, another activation and another tokenizer", () => {
  it("gives the reference's vectors for pixels", async () => {
    for (const { base64, embedding } of reference.pixels)
      expectClose(await image.run(pixelTensors([base64])), embedding);
  });

  it("gives the reference's vectors for token ids", async () => {
    for (const { ids, embedding } of reference.texts) {
      expectClose(await text.run(textTensors([ids], model.manifest.text)), embedding);
    }
  });

  it("gives the reference's token ids, cut to its longest sequence", async () => {
    const { maxTokens } = model.manifest.text;
    const tokenizer = openTokenizer({ file: join(model.directory, "tokenizer.json"), maxTokens });
    const tokens = await tokenizer.tokenize(
      reference.texts.map((it) => it.text),
      new AbortController().signal,
    );
    expect(tokens.map(({ ids }) => ids)).toEqual(reference.texts.map(({ ids }) => ids));
    expect(tokens.at(-1)).toMatchObject({ truncated: true });
  });

  it("gives the same bits alone and in a batch", async () => {
    const pictures = await image.run(pixelTensors(reference.pixels.map(({ base64 }) => base64)));
    for (const [i, { base64 }] of reference.pixels.entries()) {
      expect(row(pictures, i)).toEqual(await image.run(pixelTensors([base64])));
    }
    const texts = await text.run(
      textTensors(
        reference.texts.map(({ ids }) => ids),
        { padId: 3 },
      ),
    );
    for (const [i, { ids }] of reference.texts.entries()) {
      expect(row(texts, i)).toEqual(await text.run(textTensors([ids], { padId: 3 })));
    }
  });

  it("gives the reference's vectors for pictures and texts through the public API", async () => {
    const encoder = await createEncoder({ model: model.directory });
    try {
      const names = Object.keys(reference.images);
      const pictures = await Promise.all(names.map((name) => readFile(join(golden, "images", name))));
      const { embeddings } = await encoder.encodeImages(pictures, { normalize: false });
      for (const [i, name] of names.entries()) {
        expect(cosine(embeddings[i]!, Float32Array.from(reference.images[name]!))).toBeGreaterThan(0.9999);
      }
      const { embeddings: texts } = await encoder.encodeTexts(
        reference.texts.map((it) => it.text),
        { normalize: false },
      );
      for (const [i, { embedding }] of reference.texts.entries()) expectClose(texts[i]!, embedding);
    } finally {
      await encoder.close();
    }
  });
});

it("a sequence as long as the positions works, also where their number is odd", async () => {
  const { imageDir, textDir, outDir } = await copyPair();
  await editJson(join(textDir, "tokenizer_config.json"), "model_max_length", 48);
  const even = await buildModel({ ...pair, imageDir, textDir, outDir });
  await cutPositions(textDir, 47);
  await editJson(join(textDir, "config.json"), "max_position_embeddings", 47);
  const odd = await buildModel({ ...pair, imageDir, textDir, outDir: `${outDir}-odd` });
  expect([even.manifest.text.maxTokens, odd.manifest.text.maxTokens]).toEqual([48, 47]);

  const ids = Array.from({ length: 47 }, (_, i) => i + 5);
  const vectors = await Promise.all([even, odd].map(({ directory }) => runText(directory, ids)));
  expect(vectors[1]).toEqual(vectors[0]);
});

async function runText(directory: string, ids: number[]): Promise<Float32Array> {
  const session = await openSession({ graph: join(directory, "text.onnx"), threads: 1 });
  const vector = await session.run(textTensors([ids], { padId: 3 }));
  await session.close();
  return vector;
}

/** Drops the last rows of the table of positions, and moves everything behind it up. */
async function cutPositions(textDir: string, rows: number): Promise<void> {
  const file = join(textDir, "model.safetensors");
  const bytes = await readFile(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, start).toString());
  const table = header["distilbert.embeddings.position_embeddings.weight"];
  const [begin, end] = table.data_offsets;
  const removed = (table.shape[0] - rows) * 40 * 2; // bfloat16
  table.shape[0] = rows;
  for (const [name, entry] of Object.entries<{ data_offsets: number[] }>(header)) {
    if (name === "__metadata__") continue;
    entry.data_offsets = entry.data_offsets.map((offset, i) =>
      offset > begin || (offset === end && i === 1) ? offset - removed : offset,
    );
  }
  const data = bytes.subarray(start);
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFile(file, Buffer.concat([length, json, data.subarray(0, end - removed), data.subarray(end)]));
}

describe("the manifest", () => {
  it("says what was read, by sha256", async () => {
    const { image, text } = model.manifest.sources;
    expect(Object.keys(image.files)).toEqual([
      "config.json",
      "model.safetensors",
      "modules.json",
      "processor_config.json",
    ]);
    expect(Object.keys(text.files)).toContain("2_Dense/model.safetensors");
    const bytes = await readFile(join(second, "image/model.safetensors"));
    expect(image.files["model.safetensors"]).toEqual({
      bytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
  });

  it("lists every file of the folder but itself", async () => {
    expect(Object.keys(model.manifest.files).sort()).toEqual(
      (await readdir(model.directory)).filter((name) => name !== "manifest.json").sort(),
    );
  });

  it("holds the settings of the checkpoint", () => {
    expect(model.manifest).toMatchObject({
      dimensions: 96,
      image: { size: 40, resize: 44, mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3], background: null },
      text: { maxTokens: 32, padId: 3 },
    });
    expect(model.manifest.logit).toEqual({ kind: "softmax", scale: expect.closeTo(-0.04404, 5) });
  });

  it("holds where the checkpoints came from, if that is known", async () => {
    const sources = { image: { repository: "a/b", revision: "c" }, text: { repository: "d/e", revision: "f" } };
    const { manifest } = await buildModel({ ...pair, sources, outDir: join(await temporaryFolder(), "model") });
    expect(manifest.sources.text).toMatchObject(sources.text);
  });
});

describe("building", () => {
  it("gives the same bytes every time", async () => {
    const again = await buildModel({ ...pair, outDir: join(await temporaryFolder(), "model") });
    expect(again.manifest).toEqual(model.manifest);
  });

  it("replaces a model, and nothing else", async () => {
    const folder = await temporaryFolder();
    const outDir = join(folder, "model");
    await buildModel({ ...pair, outDir });
    await buildModel({ ...pair, outDir, name: "renamed" });
    expect(JSON.parse(await readFile(join(outDir, "manifest.json"), "utf8")).name).toBe("renamed");

    await writeFile(join(outDir, "notes.txt"), "mine");
    await expect(buildModel({ ...pair, outDir })).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining("not a model"),
    });
    expect(await readFile(join(outDir, "notes.txt"), "utf8")).toBe("mine");
    expect(await readdir(folder)).toEqual(["model"]);
  });

  it.each(["{}", '{"name":"a web app"}', "not json"])(
    "leaves alone a folder whose manifest.json is %s",
    async (manifest) => {
      const outDir = await temporaryFolder();
      await writeFile(join(outDir, "manifest.json"), manifest);
      await expect(buildModel({ ...pair, outDir })).rejects.toMatchObject({ code: "STORAGE_FAILED" });
      expect(await readdir(outDir)).toEqual(["manifest.json"]);
    },
  );

  it("fills an empty folder and makes missing ones", async () => {
    const outDir = join(await temporaryFolder(), "a/b");
    await mkdir(outDir, { recursive: true });
    await buildModel({ ...pair, outDir });
    await buildModel({ ...pair, outDir: join(outDir, "../c/d") });
  });

  it("leaves nothing behind when it fails, and nothing of the target changes", async () => {
    const { imageDir, textDir, outDir } = await copyPair();
    await buildModel({ ...pair, imageDir, textDir, outDir });
    const before = await readFile(join(outDir, "manifest.json"));
    const file = join(textDir, "2_Dense/model.safetensors"); // read last
    const bytes = await readFile(file);
    bytes.fill(255, bytes.length - 4); // NaN
    await writeFile(file, bytes);
    await expect(buildModel({ ...pair, imageDir, textDir, outDir })).rejects.toThrow(/Text checkpoint: 2_Dense.*NaN/);
    expect(await readFile(join(outDir, "manifest.json"))).toEqual(before);
    expect((await readdir(dirname(outDir))).sort()).toEqual(["image", "model", "text"]);
  });

  it("stops when it is told to, and leaves nothing behind", async () => {
    const folder = await temporaryFolder();
    const abort = new AbortController();
    const progress: number[] = [];
    const building = buildModel({
      ...pair,
      outDir: join(folder, "model"),
      signal: abort.signal,
      onProgress: ({ fraction }) => {
        progress.push(fraction);
        if (fraction > 0.5) abort.abort();
      },
    });
    await expect(building).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    expect(progress.at(-1)).toBeLessThan(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it("sweeps what a killed build left behind", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, ".model.building/new"), { recursive: true });
    await writeFile(join(folder, ".model.building/new/image.weights"), "half");
    await mkdir(join(folder, ".other.building"));
    await buildModel({ ...pair, outDir: join(folder, "model") });
    expect((await readdir(folder)).sort()).toEqual([".other.building", "model"]);
  });

  it("puts back the model that a build had moved away when it was killed", async () => {
    const folder = await temporaryFolder();
    const outDir = join(folder, "model");
    await buildModel({ ...pair, outDir });
    await mkdir(join(folder, ".model.building"));
    await rename(outDir, join(folder, ".model.building/replaced"));
    await expect(buildModel({ ...pair, imageDir: join(golden, "tiny/clip"), outDir })).rejects.toThrow("no pair");
    expect((await openModel(outDir)).manifest.name).toBe("second");
    expect(await readdir(folder)).toEqual(["model"]);
  });

  it("of one folder happens once at a time, and whoever keeps what is there builds nothing", async () => {
    const outDir = join(await temporaryFolder(), "model");
    let built = 0;
    const onProgress = ({ tower, fraction }: { tower: string; fraction: number }) => {
      if (tower === "text" && fraction === 1) built++;
    };
    await Promise.all([1, 2, 3].map(() => buildModel({ ...pair, outDir, keepExisting: true, onProgress })));
    expect(built).toBe(1);
  });

  it("says that the disk cannot be written", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "file"), "");
    await expect(buildModel({ ...pair, outDir: join(folder, "file/model") })).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringMatching(/a part of the output path is a file/),
    });
  });

  it("refuses two checkpoints that share no space", async () => {
    const { outDir } = await copyPair();
    const imageDir = join(golden, "tiny/clip");
    await expect(buildModel({ ...pair, imageDir, outDir })).rejects.toMatchObject({
      code: "CHECKPOINT_INVALID",
      message: expect.stringMatching(/512 dimensions and the text tower 96/),
    });
  });
});
