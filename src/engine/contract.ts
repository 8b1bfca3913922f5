/**
 * All that is agreed between what wants vectors and what runs graphs. An engine runs one batch at a time in a
 * thread of its own; nothing here waits on a graph in the calling thread.
 */

/** Holds one named graph input. `data` is transferred, not copied, so the caller must not use it until it comes back. */
export interface Tensor {
  name: string;
  data: Uint8Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
  dims: number[];
}

export interface BatchResult {
  /** [items, dimensions], row-major */
  embeddings: Float32Array;
  /** The inputs' memory, where the engine gives it back: the caller may use it again. */
  inputs?: Tensor["data"][];
  inferenceMs: number;
}

export interface Engine {
  /** @throws EncoderError ENGINE_FAILED when the graph fails or its thread dies. */
  run(inputs: Tensor[]): Promise<BatchResult>;
  /** Runs a batch as an engine of one thread does, where this one has more: in the same thread, with the same weights. */
  runOnOneThread?(inputs: Tensor[]): Promise<BatchResult>;
  close(): Promise<void>;
}
