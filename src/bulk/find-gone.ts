import { EncoderError } from "../errors.ts";
import { noteInputs, unmetInput } from "./index-inputs.ts";
import { readKnownRows, rowId, rowsOf } from "./known-rows.ts";
import { readingIndex } from "./open-index.ts";
import type { Source } from "./sources/source.ts";

/**
 * Tells what pruning an index would remove, and changes nothing.
 * @param directory an absolute path
 * @throws EncoderError CONFIG_INVALID where there is no index, INPUT_UNREADABLE where nothing would be removed, since
 * an input cannot be listed or has no pictures at all
 */
export async function findGone(options: { directory: string; operands: readonly string[]; source: Source }) {
  const { directory, operands, source } = options;
  return readingIndex(directory, async ({ facts, store }) => {
    const inputs = noteInputs(operands, facts);
    const known = await readKnownRows(store);
    const met = new Set<number>();
    for await (const { identity, operand, origin, name, discard } of source.items()) {
      discard?.();
      met.add(inputs[operand]!.number);
      if (origin.kind === "refused") {
        throw new EncoderError("INPUT_UNREADABLE", `What is gone cannot be told, since ${name} cannot be read.`);
      }
      known.see(rowId(identity));
    }
    const empty = operands[unmetInput(inputs, met)];
    if (empty !== undefined) {
      throw new EncoderError("INPUT_UNREADABLE", `Nothing would be removed, since ${empty} has no pictures at all.`);
    }
    return rowsOf(store, known.unseen(met));
  });
}
