import { EncoderError } from "../errors.ts";
import type { IndexFacts } from "../search/index-facts.ts";
import type { OwnFields } from "../search/vector-store.ts";
import { inputName } from "./index-inputs.ts";
import { rowsWhere } from "./known-rows.ts";
import { type OpenIndex, readingIndex, writingIndex } from "./open-index.ts";
import { removeRows } from "./thumbnails.ts";
import { writeFacts } from "./update-index.ts";

export interface ForgetInputs {
  /** Absolute path of the index. */
  directory: string;
  /** Inputs as they were named to the index. They need not be there any more. */
  operands: readonly string[];
  dryRun: boolean;
}

/**
 * Removes all that an index has of some inputs, as whoever moved or dropped a folder wants it: pruning takes a folder that
 * is not there for a disk that is not mounted.
 * @returns the rows that went, or would go
 * @throws EncoderError CONFIG_INVALID where there is no such index, or it has no such input; OUTPUT_REFUSED where it is
 * being written.
 */
export async function forgetInputs({ directory, operands, dryRun }: ForgetInputs): Promise<OwnFields[]> {
  if (operands.length === 0) throw new EncoderError("CONFIG_INVALID", "Expected the inputs to forget.");
  const rowsToForget = async ({ facts, store }: OpenIndex) => {
    const numbers = new Set(operands.map((operand) => numberOf(operand, facts)));
    return rowsWhere(store, ({ input }) => numbers.has(input));
  };
  if (dryRun) return readingIndex(directory, rowsToForget);
  return writingIndex(directory, async (index) => {
    const { facts, store } = index;
    const gone = await rowsToForget(index);
    await removeRows(gone, store, directory);
    await store.compact();
    await writeFacts(directory, { ...facts, updatedAt: new Date().toISOString() });
    return gone;
  });
}

function numberOf(operand: string, { inputs }: IndexFacts): number {
  const number = inputs.indexOf(inputName(operand));
  if (number >= 0) return number;
  const message = `The index has no input ${operand}; it has ${inputs.join(", ") || "none"}.`;
  throw new EncoderError("CONFIG_INVALID", message);
}
