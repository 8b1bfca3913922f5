import { atIndex, EncoderError, isItemFault } from "../errors.ts";
import { normalized } from "../tower/vectors.ts";
import type { EncodeOptions, Encoding, StageTimings } from "./contract.ts";

export interface EncodedItem {
  /** The tower's own vector may be shared with other requests and the cache. */
  embedding: Float32Array;
  timings: StageTimings;
  incomplete: boolean;
}

/**
 * Gives the result for one item with a vector of its own, or its error where the call asked for errors to be returned.
 * Thousands of vectors are scaled as they come: all at the end would hold up other requests.
 */
export async function itemOrFault(
  work: Promise<EncodedItem>,
  index: number,
  options: EncodeOptions,
): Promise<EncodedItem | EncoderError> {
  const { normalize = true } = options;
  try {
    const { embedding, timings, incomplete } = await work;
    return { embedding: normalize ? normalized(embedding) : embedding.slice(), timings, incomplete };
  } catch (thrown) {
    return faultOf(thrown, index, options);
  }
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
export function encodingOf(items: readonly (EncodedItem | EncoderError)[]) {
  const encoded = items.filter((item): item is EncodedItem => !(item instanceof EncoderError));
  return {
    embeddings: items.map((item) => (item instanceof EncoderError ? null : item.embedding)),
    errors: items.filter((item) => item instanceof EncoderError),
    incomplete: encoded.filter(({ incomplete }) => incomplete).length,
    timings: longest(encoded.map(({ timings }) => timings)),
  } satisfies Partial<Encoding<Float32Array | null>>;
}

/** Lists the stages in the order in which an item takes them. */
export const stages = ["fetchMs", "decodeMs", "tokenizeMs", "queueMs", "inferenceMs"] as const;

/** Takes the longest time, stage by stage. A stage that no item went through is left out. */
export function longest(timings: readonly StageTimings[]): StageTimings {
  const most: StageTimings = { queueMs: 0, inferenceMs: 0 };
  for (const stage of stages) {
    for (const { [stage]: ms } of timings) if (ms !== undefined) most[stage] = Math.max(most[stage] ?? 0, ms);
  }
  return most;
}
