import { EncoderError } from "../errors.ts";
import type { EncodeOptions, Encoder } from "./contract.ts";
import { encodeItems, type Item } from "./items.ts";

export interface EncodeManyOptions extends Pick<EncodeOptions, "normalize" | "signal"> {
  encoder: Encoder;
  /** Limits how many items are under way at once; the default of 128 keeps every engine busy. */
  ahead?: number;
}

/** Holds an item's vector, or says why it has none. */
export type EncodedOne<Id> = { id: Id; embedding: Float32Array } | { id: Id; error: EncoderError };

/**
 * Encodes every item of a source, however many there are, and yields a vector or an error for each, in the source's order.
 * Items wait for room in the encoder, and no more of them are held than `ahead`. Leaving the loop gives up what is under way.
 * @throws the signal's reason when aborted; what the source throws.
 */
export async function* encodeMany<Id>(
  source: Iterable<Item & { id: Id }> | AsyncIterable<Item & { id: Id }>,
  { encoder, ahead = 128, normalize = true, signal }: EncodeManyOptions,
): AsyncGenerator<EncodedOne<Id>, void, undefined> {
  const left = new AbortController();
  const options = {
    normalize,
    wait: true,
    signal: signal ? AbortSignal.any([signal, left.signal]) : left.signal,
  };
  const underWay: Promise<EncodedOne<Id>>[] = [];
  try {
    for await (const item of source) {
      const one = encodeOne(item, encoder, options);
      one.catch(() => {}); // it is awaited below, unless the loop is left before
      underWay.push(one);
      if (underWay.length >= ahead) yield await underWay.shift()!;
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    left.abort();
  }
}

async function encodeOne<Id>(
  { id, ...item }: Item & { id: Id },
  encoder: Encoder,
  options: EncodeOptions,
): Promise<EncodedOne<Id>> {
  try {
    const { embeddings } = await encodeItems(encoder, [item], options);
    return { id, embedding: embeddings[0]! };
  } catch (error) {
    if (options.signal?.aborted || !(error instanceof EncoderError)) throw error;
    return { id, error };
  }
}
