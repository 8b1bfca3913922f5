import { cp, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { buildModel } from "../../../src/build/build.ts";
import { imageSamples, textSamples } from "../../../src/build/int8/samples.ts";
import { openSession } from "../../../src/engine/session.ts";
import type { Model } from "../../../src/model/manifest.ts";
import { cosine } from "../../../src/tower/vectors.ts";
import { gated, second, temporaryFolder } from "../../support/checkpoints.ts";
import { golden } from "../../support/tiny-model.ts";

const fixtures = resolve(import.meta.dirname, "../../fixtures/checkpoints");

type Pair = { imageDir: string; textDir: string };
const pairOf = (folder: string): Pair => ({ imageDir: join(folder, "image"), textDir: join(folder, "text") });
const both = (folder: string): Pair => ({ imageDir: folder, textDir: folder });

async function build(pair: Pair, precision: "fp32" | "fp16"): Promise<Model> {
  return buildModel({ ...pair, outDir: join(await temporaryFolder(), precision), name: precision, precision });
}

/** A copy of CLIP's fixture in which some tensors are multiplied. */
async function scaledClip(factors: Record<string, number>): Promise<Pair> {
  const folder = await temporaryFolder();
  await cp(join(fixtures, "clip-open"), folder, { recursive: true });
  const path = join(folder, "model.safetensors");
  const file = await readFile(path);
  const dataStart = 8 + Number(file.readBigUInt64LE());
  const header = JSON.parse(file.subarray(8, dataStart).toString());
  for (const [name, factor] of Object.entries(factors)) {
    const [begin, end] = header[name].data_offsets;
    for (let at = dataStart + begin; at < dataStart + end; at += 4)
      file.writeFloatLE(file.readFloatLE(at) * factor, at);
  }
  await writeFile(path, file);
  return both(folder);
}

/** The graphs' own vectors of made-up inputs, without a service around them. */
async function vectorsOf({ directory, manifest }: Model): Promise<Float32Array[]> {
  const file = join(directory, manifest.text.tokenizer);
  const samples = {
    image: imageSamples({ size: manifest.image.size }),
    text: await textSamples({ file, inputs: manifest.text, signal: new AbortController().signal }),
  };
  const vectors: Float32Array[] = [];
  for (const tower of ["image", "text"] as const) {
    const session = await openSession({ graph: join(directory, manifest[tower].graph), threads: 1 });
    for (const inputs of samples[tower].heldOut.slice(0, 8)) vectors.push(await session.run(inputs));
    await session.close();
  }
  return vectors;
}

async function expectFaithful(pair: Pair): Promise<Model> {
  const model = await build(pair, "fp16");
  for (const tower of [model.manifest.image, model.manifest.text]) {
    expect(tower.precision).toBe("fp16");
    expect(tower.fidelity!.min).toBeGreaterThanOrEqual(0.9999);
  }
  return model;
}

const bytesOf = ({ manifest }: Model, file: string) => manifest.files[file]!.bytes;

describe("an fp16 model", () => {
  it.each([
    ["the golden pair", { imageDir: join(golden, "tiny/clip"), textDir: join(golden, "tiny/text") }],
    ["another pair, with padding that is masked", pairOf(second)],
    ["a gated pair", pairOf(gated)],
    ...["clip-legacy", "clip-l14", "clip-h14", "siglip", "siglip2", "so400m"].map((name): [string, Pair] => [
      name,
      both(join(fixtures, name)),
    ]),
  ])(
    "of %s gives fp32's vectors, on this processor and where 16 bits are rounded",
    async (_, pair) => {
      const [half, whole] = [await expectFaithful(pair), await build(pair, "fp32")];
      const exact = await vectorsOf(whole);
      for (const [i, vector] of (await vectorsOf(half)).entries()) {
        expect(cosine(vector, exact[i]!)).toBeGreaterThan(0.9999);
      }
    },
    120_000,
  ); // two builds and 32 runs of two graphs

  it("takes half the room", async () => {
    const pair = both(join(fixtures, "clip-open"));
    const [half, whole] = [await build(pair, "fp16"), await build(pair, "fp32")];
    for (const file of ["image.weights", "text.weights"]) {
      expect(bytesOf(half, file)).toBeLessThan(bytesOf(whole, file) * 0.55);
    }
  });

  it("keeps outliers in the residual stream", async () => {
    await expectFaithful(
      await scaledClip({
        "vision_model.encoder.layers.0.mlp.fc2.bias": 3000,
        "text_model.encoder.layers.0.mlp.fc2.bias": 3000,
      }),
    );
  });

  it.each([
    "vision_model.encoder.layers.0.mlp.fc2.weight",
    "text_model.encoder.layers.1.mlp.fc2.weight",
    "vision_model.encoder.layers.1.self_attn.out_proj.bias",
    "vision_model.embeddings.patch_embedding.weight",
  ])("computes in fp32 what does not fit in 16 bits: %s", async (name) => {
    const usual = await build(await scaledClip({}), "fp16");
    const model = await expectFaithful(await scaledClip({ [name]: 1e6 }));
    const file = name.startsWith("vision") ? "image.weights" : "text.weights";
    expect(bytesOf(model, file)).toBeGreaterThan(bytesOf(usual, file) + 1000);
  });

  it("computes in fp32 where weights are so small that 16 bits would round them away", async () => {
    const usual = await build(await scaledClip({}), "fp16");
    const name = "vision_model.encoder.layers.0.self_attn.v_proj.weight";
    const model = await expectFaithful(await scaledClip({ [name]: 1e-6 }));
    expect(bytesOf(model, "image.weights")).toBeGreaterThan(bytesOf(usual, "image.weights") + 1000);
  });

  it("computes attention in fp32 where scores are so large that their rounding would move it", async () => {
    const usual = await build(await scaledClip({}), "fp16");
    const model = await expectFaithful(
      await scaledClip({ "vision_model.encoder.layers.0.self_attn.k_proj.weight": 60 }),
    );
    expect(bytesOf(model, "image.weights")).toBeGreaterThan(bytesOf(usual, "image.weights") + 1000);
  });

  it("is refused where 16 bits would change its vectors", async () => {
    const pair = await scaledClip({
      "text_model.encoder.layers.0.self_attn.q_proj.weight": 300,
      "text_model.encoder.layers.1.self_attn.q_proj.weight": 300,
      "text_model.encoder.layers.2.self_attn.q_proj.weight": 300,
    });
    await expect(build(pair, "fp16")).rejects.toMatchObject({
      code: "CHECKPOINT_INVALID",
      message: expect.stringMatching(/In fp16 the text tower's vectors come to a cosine of 0\.\d+ .*--precision fp32/),
    });
  });
});
