import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildModel } from "../../src/build/build.ts";

export const golden = resolve(import.meta.dirname, "../fixtures/golden");

/** Builds the tiny golden checkpoint pair into a temporary folder, and gives the folder. */
export async function buildTinyModel(precision: "fp32" | "int8" = "fp32"): Promise<string> {
  const outDir = join(await mkdtemp(join(tmpdir(), "tiny-model-")), "model");
  await buildModel({
    imageDir: join(golden, "tiny/clip"),
    textDir: join(golden, "tiny/text"),
    outDir,
    name: "tiny",
    precision,
  });
  return outDir;
}
