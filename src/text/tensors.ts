import type { Tensor } from "../engine/contract.ts";
import type { Manifest } from "../model/manifest.ts";

/** Says how texts of a batch come to one length; the manifest explains the keys. */
export type TextPadding = Pick<Manifest["text"], "padId"> & Partial<Pick<Manifest["text"], "padding" | "paddingSide">>;

/**
 * Makes token ids and mask, both int64 [N, T]. T is a fixed length, or that of the longest text made even: the runtime
 * adds up the last three terms of a row in another order when they are followed by a fourth, so that a text of 7, 11 or
 * 15 tokens would not have the same bits alone as beside a longer one.
 */
export function textTensors(batch: readonly (readonly number[])[], options: TextPadding): Tensor[] {
  const { padId, padding = "batch", paddingSide = "right" } = options;
  const longest = batch.reduce((length, ids) => Math.max(length, ids.length), 0);
  const length = padding === "batch" ? longest + (longest % 2) : padding;
  const ids = new BigInt64Array(batch.length * length).fill(BigInt(padId));
  const mask = new BigInt64Array(batch.length * length);
  batch.forEach((tokens, row) => {
    const start = row * length + (paddingSide === "left" ? length - tokens.length : 0);
    ids.set(tokens.map(BigInt), start);
    mask.fill(1n, start, start + tokens.length);
  });
  const dims = [batch.length, length];
  return [
    { name: "input_ids", data: ids, dims },
    { name: "attention_mask", data: mask, dims },
  ];
}
