import type { Tensor } from "../engine/contract.ts";

/**
 * Token ids and mask, both int64 [N, T], padded on the right to the longest of the batch, and to an even length: the
 * runtime adds up the last three terms of a row in another order when they are followed by a fourth, so that a text of
 * 7, 11 or 15 tokens would not have the same bits alone as beside a longer one.
 */
export function textTensors(batch: readonly (readonly number[])[], padId: number): Tensor[] {
  const needed = batch.reduce((length, ids) => Math.max(length, ids.length), 0);
  const longest = needed + (needed % 2);
  const ids = new BigInt64Array(batch.length * longest).fill(BigInt(padId));
  const mask = new BigInt64Array(batch.length * longest);
  batch.forEach((tokens, row) => {
    tokens.forEach((id, column) => {
      ids[row * longest + column] = BigInt(id);
      mask[row * longest + column] = 1n;
    });
  });
  const dims = [batch.length, longest];
  return [
    { name: "input_ids", data: ids, dims },
    { name: "attention_mask", data: mask, dims },
  ];
}
