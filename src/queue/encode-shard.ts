import type { Item } from "../bulk/items/item.ts";
import { readItem } from "../bulk/items/read-item.ts";
import type { Encode } from "../bulk/run.ts";
import { toEncoderError } from "../errors.ts";
import { inOrder } from "../scheduling/in-order.ts";
import type { Mark } from "./marks.ts";
import type { Around } from "./suspicion.ts";

export interface EncodeShardOptions {
  items: readonly Item[];
  encode: Encode;
  dimensions: number;
  itemTimeoutMs: number;
  /** Items at work at the same time. */
  lanes: number;
  signal: AbortSignal;
  /** Wraps the work of each item, which it may refuse by throwing. */
  around?: Around;
}

export interface EncodedShard {
  /** Those that have a vector. */
  rows: Item[];
  /** Rows of `dimensions` numbers, one after the other. */
  vectors: Float32Array;
  failures: Mark["failures"];
}

/**
 * Reads and encodes the inputs of a shard.
 * @throws the signal's reason when aborted; EncoderError STORAGE_FAILED.
 */
export async function encodeShard(options: EncodeShardOptions): Promise<EncodedShard> {
  const { items, encode, dimensions, itemTimeoutMs, lanes, signal, around = (_, work) => work() } = options;
  const rows: Item[] = [];
  const failures: Mark["failures"] = [];
  const vectors = new Float32Array(items.length * dimensions);
  const one = (item: Item) =>
    readItem(item, { itemTimeoutMs, signal }, ({ input }, { signal }) => encode(input, { signal }));
  const entries = async function* () {
    yield* items.entries();
  };
  const work = async ([index, item]: [number, Item]) => {
    try {
      return { item, vector: await around(index, () => one(item)) };
    } catch (thrown) {
      signal.throwIfAborted();
      return { item, error: toEncoderError(thrown) };
    }
  };
  for await (const { item, vector, error } of inOrder(entries(), work, { lanes, window: items.length, stop: signal })) {
    if (vector) {
      vectors.set(vector, rows.length * dimensions);
      rows.push(item);
    } else failures.push({ input: item.name, code: error.code, error: error.message });
  }
  signal.throwIfAborted();
  return { rows, vectors: vectors.subarray(0, rows.length * dimensions), failures };
}
