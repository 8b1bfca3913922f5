import type { Tensor } from "../engine/contract.ts";
import { type Pixels, pixelBytes } from "./pixels.ts";

/** Joins pixels into what the image graph takes: uint8 [N, size, size, 3]. @param memory has room for a batch's bytes */
export function imageTensors(
  batch: readonly Pixels[],
  size: number,
  memory = new Uint8Array(batch.length * pixelBytes(size)),
): Tensor[] {
  const bytes = pixelBytes(size);
  const data = memory.subarray(0, batch.length * bytes);
  batch.forEach((pixels, row) => {
    data.set(pixels.data, row * bytes);
  });
  return [{ name: "pixels", data, dims: [batch.length, size, size, 3] }];
}
