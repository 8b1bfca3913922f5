import { EncoderError } from "../errors.ts";
import { inOrder } from "../scheduling/in-order.ts";
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
  const stop = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const options = { normalize, wait: true, signal: stop };
  const items = (async function* () {
    yield* source;
  })();
  const encoded = inOrder(items, (item) => encodeOne(item, encoder, options), { lanes: ahead, window: ahead, stop });
  // `yield*` would close what is under way, and so wait for it, before it is given up here.
  try {
    for (;;) {
      const one = await encoded.next();
      if (one.done) break;
      yield one.value;
    }
    signal?.throwIfAborted();
  } finally {
    left.abort();
    await encoded.return(undefined);
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
