import type { Tensor } from "../engine/contract.ts";
import type { Pixels } from "./pixels.ts";

/** Joins pixels into what the image graph takes: uint8 [N, size, size, 3]. */
export function imageTensors(batch: readonly Pixels[], size: number): Tensor[] {
  const bytes = size * size * 3;
  const data = new Uint8Array(batch.length * bytes);
  batch.forEach((pixels, row) => {
    data.set(pixels.data, row * bytes);
  });
  return [{ name: "pixels", data, dims: [batch.length, size, size, 3] }];
}
