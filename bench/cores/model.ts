/** A model of engines on more cores than this machine has. Costs are those of int8 on whole cores with AVX-512 VNNI. */

import { speedup } from "../../src/engine/layout.ts";

/** Milliseconds of one thread. */
const msPerImage = 24.5;
const msPerToken = 0.26;

/** Tells how long an engine computes a batch, in milliseconds: of images, or of texts padded to so many tokens. */
export function batchMs(tower: "image" | "text", dims: readonly number[], threads: number): number {
  const [items = 0, tokens = 0] = dims;
  return (items * (tower === "image" ? msPerImage : tokens * msPerToken)) / speedup(threads);
}
