import type { Tensor, UnmadeRow } from "../engine/contract.ts";
import { type Picture, pixelBytes } from "./pixels.ts";

/**
 * Joins pictures into what the image graph takes: uint8 [N, size, size, 3]. Files lie behind all rows, for the engine to
 * make theirs of.
 * @param memory has room for a batch's pixels and files
 */
export function imageTensors(
  batch: readonly Picture[],
  size: number,
  memory = new Uint8Array(batch.reduce((sum, picture) => sum + pixelBytes(size) + fileBytes(picture), 0)),
): Tensor[] {
  const bytes = pixelBytes(size);
  const unmade: UnmadeRow[] = [];
  let end = batch.length * bytes;
  for (const [row, picture] of batch.entries()) {
    if ("data" in picture) {
      memory.set(picture.data, row * bytes);
    } else {
      memory.set(picture.file, end);
      unmade.push({ row, at: memory.byteOffset + end, length: picture.file.length });
      end += picture.file.length;
    }
  }
  return [
    { name: "pixels", data: memory.subarray(0, batch.length * bytes), dims: [batch.length, size, size, 3], unmade },
  ];
}

const fileBytes = (picture: Picture) => ("data" in picture ? 0 : picture.file.length);
