import { atIndex, EncoderError, isItemFault } from "../errors.ts";
import { normalized } from "../tower/vectors.ts";
import type { EncodeOptions, Encoding, StageTimings } from "./contract.ts";

export interface EncodedItem {
  /** The tower's own vector may be shared with other requests and the cache. */
  embedding: Float32Array;
  timings: StageTimings;
  incomplete: boolean;
}

/** Gives the result for one item, or its error where the call asked for errors to be returned. */
export async function itemOrFault(
  work: Promise<EncodedItem>,
  index: number,
  options: EncodeOptions,
): Promise<EncodedItem | EncoderError> {
  return work.catch((thrown) => faultOf(thrown, index, options));
}

/**
 * Gives the item's own fault where the call asked for errors to be returned.
 * @throws anything else, naming the item
 */
export function faultOf(thrown: unknown, index: number, { onError = "fail" }: EncodeOptions): EncoderError {
  if (!(thrown instanceof EncoderError)) throw thrown;
  const error = atIndex(thrown, index);
  if (onError === "return" && isItemFault(error)) return error;
  throw error;
}

/** Makes a request's answer from those of its items, without what only its kind of input has. */
export function encodingOf(items: readonly (EncodedItem | EncoderError)[], { normalize = true }: EncodeOptions) {
  const isFault = (item: EncodedItem | EncoderError) => item instanceof EncoderError;
  const encoded = items.filter((item): item is EncodedItem => !isFault(item));
  return {
    embeddings: items.map((item) => {
      if (item instanceof EncoderError) return null;
      return normalize ? normalized(item.embedding) : item.embedding.slice(); // a vector of its own for each caller
    }),
    errors: items.filter((item): item is EncoderError => isFault(item)),
    incomplete: encoded.filter(({ incomplete }) => incomplete).length,
    timings: longest(encoded.map(({ timings }) => timings)),
  } satisfies Partial<Encoding<Float32Array | null>>;
}

/** Takes the longest time, stage by stage. A stage that no item went through is left out. */
export function longest(timings: readonly StageTimings[]): StageTimings {
  const most: StageTimings = { queueMs: 0, inferenceMs: 0 };
  for (const item of timings) {
    for (const [stage, ms] of Object.entries(item) as [keyof StageTimings, number][]) {
      most[stage] = Math.max(most[stage] ?? 0, ms);
    }
  }
  return most;
}
