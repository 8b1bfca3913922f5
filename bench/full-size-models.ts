import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFullSizePair } from "../scripts/make-full-size-pair.ts";
import { buildModel } from "../src/build/build.ts";
import { openModel } from "../src/model/folder.ts";

export const precisions = ["fp32", "int8"] as const;
export type Precision = (typeof precisions)[number];

/** Folder that keeps the pair and the models built from it between runs (2.3 GB). */
export const defaultWork = join(tmpdir(), "image-text-encoder-bench");

/** Gives the folders of both models of the full-size random pair; the first use makes them in a minute and a half. */
export async function fullSizeModels(work: string): Promise<Record<Precision, string>> {
  const pair = await makeFullSizePair(join(work, "pair"));
  const folders = { fp32: join(work, "fp32"), int8: join(work, "int8") };
  for (const precision of precisions) {
    const existing = await openModel(folders[precision]).catch(() => undefined);
    if (!existing) await buildModel({ ...pair, outDir: folders[precision], name: `full-size-${precision}`, precision });
  }
  return folders;
}
