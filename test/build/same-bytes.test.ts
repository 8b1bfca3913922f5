import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import { second, temporaryFolder } from "../support/checkpoints.ts";
import { golden } from "../support/tiny-model.ts";

const embedded = resolve(import.meta.dirname, "../../models/everyday-mini");
const pairs: Record<string, { imageDir: string; textDir: string }> = {
  tiny: { imageDir: join(golden, "tiny/clip"), textDir: join(golden, "tiny/text") },
  second: { imageDir: join(second, "image"), textDir: join(second, "text") },
  "everyday-mini": { imageDir: join(embedded, "image"), textDir: join(embedded, "text") },
};

/** SHA-256 of every graph and weights file, by model, precision and file. */
const digests: Record<string, Record<string, Record<string, string>>> = JSON.parse(
  await readFile(join(import.meta.dirname, "../fixtures/model-digests.json"), "utf8"),
);

/**
 * An index is worth nothing once its model gives other vectors, so a change of these bytes is a decision: it belongs into
 * the changelog, with the new digests.
 */
describe.each(Object.keys(pairs))("the model that is built from %s", (name) => {
  it.each(["fp32", "int8"] as const)("at %s has the bytes that it always had", async (precision) => {
    const outDir = join(await temporaryFolder(), "model");
    const { manifest } = await buildModel({ ...pairs[name]!, outDir, name, precision });
    const files = Object.entries(manifest.files).map(([file, { sha256 }]) => [file, sha256]);
    expect(Object.fromEntries(files)).toEqual(digests[name]![precision]);
  });
});
