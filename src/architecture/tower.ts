import type { CheckpointFolder, CheckpointModule } from "../checkpoint/folder.ts";
import type { ImageProcessor } from "../checkpoint/image-processor.ts";
import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { TokenizerFacts } from "../checkpoint/tokenizer.ts";
import type { Arithmetic } from "../graph/arithmetic.ts";
import type { Graph } from "../graph/graph.ts";
import type { Manifest } from "../model/manifest.ts";

/** Describes one tower of a checkpoint: all that downloading, building and serving must know of it. */
interface Tower {
  architecture: string;
  dimensions: number;
  /** Files of tensors inside the checkpoint, in the order in which `graph` takes them. */
  weightFiles: readonly string[];
  /** The graph's only output is float32 [N, dimensions], not normalised. */
  graph(tensors: readonly Safetensors[], arithmetic: Arithmetic): Graph;
}

/** Its graph takes `pixels`, uint8 [N, size, size, 3]. */
export interface ImageTower extends Tower {
  inputs: ImageProcessor;
  /** Tokens that a picture becomes: the cost of a run grows with them. */
  tokens: number;
  /** Reads how cosines become probabilities; null means that the checkpoint has not learned it. */
  logit(tensors: readonly Safetensors[]): Promise<Manifest["logit"]>;
}

/** Its graph takes `input_ids` and, if padding must not count, `attention_mask`, both int64 [N, T]. */
export interface TextTower extends Tower, TokenizerFacts {}

export interface Architecture<Kind extends ImageTower | TextTower> {
  name: string;
  /** Each `model_type` whose configurations it reads. */
  modelTypes: readonly string[];
  /** @throws EncoderError CHECKPOINT_INVALID naming the file and the key of whatever is not implemented. */
  read(checkpoint: CheckpointFolder, modules: readonly CheckpointModule[]): Promise<Kind>;
}
