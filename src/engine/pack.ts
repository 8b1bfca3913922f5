import { EncoderError } from "../errors.ts";
import { askThread } from "./ask-thread.ts";

/** Names the file of weights that the runtime writes beside a packed graph. */
export const packedWeights = (graph: string) => `${graph}.weights`;

export interface PackOptions {
  /** Path of the .onnx file that is read. */
  graph: string;
  /** Path of an .onnx file that is to be written. Its weights come beside it, as `packedWeights` names them. */
  packTo?: string;
  largestPair?: number | undefined;
}

/**
 * Opens a graph and closes it again. With `packTo` it is written as the runtime optimizes it, with its weights once more as
 * this processor's products read them, which takes as long again, and twice the weights' room on the disk.
 * @throws EncoderError ENGINE_FAILED with what the runtime says; the signal's reason when aborted, once it has ended.
 */
export async function openOnce(options: PackOptions, signal?: AbortSignal): Promise<void> {
  const failure = await askThread("pack-thread", options, signal);
  if (failure === undefined) return;
  throw new EncoderError("ENGINE_FAILED", "The weights could not be packed.", { internal: failure });
}
