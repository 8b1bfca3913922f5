import { join } from "node:path";
import { expect, it } from "vitest";
import { buildModel } from "../../../src/build/build.ts";
import { makePictures } from "../../../src/build/int8/pictures.ts";
import type { Tensor } from "../../../src/engine/contract.ts";
import { openSession } from "../../../src/engine/session.ts";
import { imageTensors } from "../../../src/image/tensors.ts";
import type { Model } from "../../../src/model/manifest.ts";
import { textTensors } from "../../../src/text/tensors.ts";
import { cosine } from "../../../src/tower/vectors.ts";
import { temporaryFolder } from "../../support/checkpoints.ts";
import { type RandomCheckpoint, randomCheckpoint } from "../../support/random-checkpoint.ts";

const usual = { like: "clip-open", layers: 3, width: 64, heads: 4, mlpWidth: 128 } as const;

async function build(checkpoint: RandomCheckpoint, precision: "fp32" | "fp16"): Promise<Model> {
  const folder = await randomCheckpoint(checkpoint);
  const outDir = join(await temporaryFolder(), "model");
  return buildModel({ imageDir: folder, textDir: folder, outDir, name: "random", precision });
}

/** Pictures, and token ids of 3 to 12, that no build has seen. */
function inputsOf({ image, text }: Model["manifest"]): Record<"image" | "text", Tensor[][]> {
  const pictures = makePictures({ count: 16, size: image.size, seed: 99 });
  const ids = Array.from({ length: 16 }, (_, i) =>
    Array.from({ length: 3 + (i % 10) }, (_, k) => 3 + ((i * 7919 + k * 104_729) % 600)),
  );
  return {
    image: pictures.map((pixels) => imageTensors([pixels], image.size)),
    text: ids.map((one) => textTensors([one], text)),
  };
}

async function vectorsOf({ directory, manifest }: Model): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  const inputs = inputsOf(manifest);
  for (const tower of ["image", "text"] as const) {
    const session = await openSession({ graph: join(directory, manifest[tower].graph), threads: 1 });
    for (const input of inputs[tower]) vectors.push(await session.run(input));
    await session.close();
  }
  return vectors;
}

const edits: [string, Partial<RandomCheckpoint>][] = [
  ["16 layers", { layers: 16, width: 48, heads: 3 }],
  ["heads of 8", { heads: 8 }],
  ["heads of 80", { width: 160, heads: 2 }],
  ["one head of 128", { width: 128, heads: 1 }],
  [
    "large gains of layer norms before the MLP",
    {
      edit: (name) =>
        /layer_norm2\.weight/.test(name) ? { times: 200 } : /fc1\.weight/.test(name) ? { times: 1 / 200 } : undefined,
    },
  ],
  [
    "large biases inside the MLP",
    { edit: (name, i) => (/fc1\.bias/.test(name) && i % 17 === 3 ? { value: 600 } : undefined) },
  ],
  [
    "hidden values near the largest of 16 bits",
    {
      edit(name, i) {
        if (/layers\.1\.mlp\.fc1\.bias/.test(name) && i === 9) return { value: 60_000 };
        return /layers\.1\.mlp\.fc2\.weight/.test(name) ? { times: 1e-3 } : undefined;
      },
    },
  ],
  [
    "a residual stream beyond 16 bits",
    { edit: (name, i) => (/layers\.0\.mlp\.fc2\.bias/.test(name) && i === 3 ? { value: 1e5 } : undefined) },
  ],
  [
    "keys that have a large part in common",
    { edit: (name) => (/k_proj\.bias/.test(name) ? { value: 300 } : undefined) },
  ],
  [
    "sharp attention in the last layer",
    { edit: (name) => (/layers\.2\.self_attn\.q_proj\.weight/.test(name) ? { times: 40 } : undefined) },
  ],
  [
    "SigLIP with a loud pooling head",
    { like: "siglip", edit: (name) => (/head\.(probe|attention|mlp)/.test(name) ? { times: 10 } : undefined) },
  ],
  [
    "SigLIP with a very loud pooling head",
    { like: "siglip", edit: (name) => (/head\.(probe|attention|mlp)/.test(name) ? { times: 40 } : undefined) },
  ],
  [
    "SigLIP with loud patches and words",
    {
      like: "siglip",
      edit: (name) =>
        /patch_embedding\.weight/.test(name)
          ? { times: 200 }
          : /token_embedding/.test(name)
            ? { times: 3000 }
            : undefined,
    },
  ],
];

it.each(edits)("fp16 gives fp32's vectors of unseen inputs for %s", { timeout: 300_000 }, async (_, change) => {
  const checkpoint = { ...usual, ...change };
  const half = await build(checkpoint, "fp16");
  for (const tower of [half.manifest.image, half.manifest.text]) {
    expect(tower.precision).toBe("fp16");
    expect(tower.fidelity!.min).toBeGreaterThanOrEqual(0.9999); // with the roundings of a GPU
  }
  const exact = await vectorsOf(await build(checkpoint, "fp32"));
  for (const [i, vector] of (await vectorsOf(half)).entries()) {
    expect(vector.every(Number.isFinite)).toBe(true);
    expect(cosine(vector, exact[i]!)).toBeGreaterThan(0.9999);
  }
});

it.each<[string, Partial<RandomCheckpoint>]>([
  [
    "attention is sharp in every layer",
    { edit: (name) => (/[qk]_proj\.weight/.test(name) ? { times: 10 } : undefined) },
  ],
  [
    "layer norms make some channels a hundred times louder",
    { edit: (name, i) => (/layer_norm[12]\.weight/.test(name) && i % 37 === 5 ? { times: 100 } : undefined) },
  ],
])("fp16 is refused with a sentence where %s", { timeout: 300_000 }, async (_, change) => {
  await expect(build({ ...usual, ...change }, "fp16")).rejects.toMatchObject({
    code: "CHECKPOINT_INVALID",
    message: expect.stringMatching(/^In fp16 the \w+ tower's vectors come to a cosine of 0\.\d+ .*--precision fp32\.$/),
  });
});
