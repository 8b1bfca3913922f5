import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import { openSession } from "../../src/engine/session.ts";
import { textTensors } from "../../src/text/tensors.ts";
import { cosine } from "../../src/tower/vectors.ts";
import { copyGatedTextPair, editJson, gated } from "../support/checkpoints.ts";

const reference: { texts: { ids: number[]; paired: number[] }[] } = JSON.parse(
  await readFile(join(gated, "reference.json"), "utf8"),
);
const [photographDimensions, dimensions] = [20, 32];
const { drawings_weight: drawingsWeight }: { drawings_weight: number } = JSON.parse(
  await readFile(join(gated, "text-pair/text/config.json"), "utf8"),
);

async function vectorsAt(precision: "fp32" | "int8"): Promise<{ alone: Float32Array[]; batch: Float32Array }> {
  const { outDir, ...pair } = await copyGatedTextPair();
  const { manifest } = await buildModel({ ...pair, outDir, name: "gated", precision });
  expect(manifest).toMatchObject({ dimensions, text: { architecture: "gated-pair-text", precision } });
  const session = await openSession({ graph: join(outDir, "text.onnx"), threads: 1 });
  try {
    const alone: Float32Array[] = [];
    for (const { ids } of reference.texts) alone.push(await session.run(textTensors([ids], manifest.text)));
    const all = reference.texts.map(({ ids }) => ids);
    return { alone, batch: await session.run(textTensors(all, manifest.text)) };
  } finally {
    await session.close();
  }
}

describe("the text side of a gated pair", () => {
  it("gives PyTorch's vectors, whose halves have length 1 and the weight's, and the same bits in a batch", async () => {
    const { alone, batch } = await vectorsAt("fp32");
    for (const [i, vector] of alone.entries()) {
      for (const [d, value] of reference.texts[i]!.paired.entries()) expect(vector[d]).toBeCloseTo(value, 4);
      expect(Math.hypot(...vector.slice(0, photographDimensions))).toBeCloseTo(1, 5);
      expect(Math.hypot(...vector.slice(photographDimensions))).toBeCloseTo(drawingsWeight, 5);
      expect(batch.slice(i * dimensions, (i + 1) * dimensions)).toEqual(vector);
    }
    const [first, ...others] = alone;
    expect(Math.min(...others.map((vector) => cosine(vector, first!)))).toBeLessThan(0.99); // texts differ
  });

  it("stays faithful at int8", async () => {
    const { alone } = await vectorsAt("int8");
    for (const [i, vector] of alone.entries()) {
      expect(cosine(vector, Float32Array.from(reference.texts[i]!.paired))).toBeGreaterThan(0.99);
    }
  });

  const deviations: [file: string, key: string, value: unknown, names: RegExp][] = [
    ["config.json", "drawings_weight", 0, /config\.json: drawings_weight/],
    ["config.json", "quantization_config", { bits: 4 }, /quantization_config: .* is not implemented/],
    [
      "modules.json",
      "5.type",
      "x.Albert",
      /GatedPairText .*Albert.* are not implemented; expected GatedPairText and twice/,
    ],
    ["modules.json", "6.type", "x.Cnn", /Transformer -> Cnn -> Dense are not implemented/],
    ["5_Transformer/config.json", "vocab_size", 15, /the towers read 14 and 15 pieces/],
    ["7_Dense/config.json", "out_features", 13, /32 dimensions and the text tower 33/],
    ["3_Dense/config.json", "in_features", 20, /3_Dense\/config\.json: in_features 20/],
  ];
  it.each(deviations)("is refused, naming what is not implemented, for %s %s %j", async (file, key, value, names) => {
    const pair = await copyGatedTextPair();
    await editJson(join(pair.textDir, file), key, value);
    const built = buildModel({ ...pair, name: "gated", precision: "fp32" });
    await expect(built).rejects.toMatchObject({ code: "CHECKPOINT_INVALID", message: expect.stringMatching(names) });
  });
});
