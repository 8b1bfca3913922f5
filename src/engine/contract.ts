/**
 * All that is agreed between what wants vectors and what runs graphs. An engine runs one batch at a time in a
 * thread of its own; nothing here waits on a graph in the calling thread.
 */

/** Holds one named graph input. `data` is transferred, not copied, so the caller must not use it until it comes back. */
export interface Tensor {
  name: string;
  data: Uint8Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
  dims: number[];
  /** Lists rows that the engine's thread makes. What it makes them of lies behind all rows. */
  unmade?: UnmadeRow[];
}

/** Is a row of a tensor: what it is made of are so many bytes from `at` on in the memory of the tensor's `data`. */
export interface UnmadeRow {
  row: number;
  at: number;
  length: number;
}

export interface BatchResult {
  /** [items that were not declined, dimensions], row-major */
  embeddings: Float32Array;
  /** The inputs' memory, where the engine gives it back: the caller may use it again. */
  inputs?: Tensor["data"][];
  /** Lists the items whose rows could not be made. They were not computed. */
  declined?: number[];
  /** Tells how long the engine made rows, for the whole batch. */
  prepareMs?: number;
  inferenceMs: number;
}

export interface Engine {
  /** @throws EncoderError ENGINE_FAILED when the graph fails or its thread dies. */
  run(inputs: Tensor[]): Promise<BatchResult>;
  /** Runs a batch as an engine of one thread does, where this one has more: in the same thread, with the same weights. */
  runOnOneThread?(inputs: Tensor[]): Promise<BatchResult>;
  close(): Promise<void>;
}
