import type { EncoderError, ErrorCode } from "../errors.ts";
import type { DecoderEnd } from "../image/decoder-process.ts";
import type { Manifest } from "../model/manifest.ts";

/** Holds the bytes of a picture's file, or its URL; data URIs are decoded, other URLs are fetched. */
export type ImageInput = Uint8Array | { url: string };

export type TowerName = "image" | "text";

export interface EncodeOptions {
  /** Vectors have unit length (the default), so that a dot product is a cosine; false gives the tower's raw output. */
  normalize?: boolean;
  /** Aborting drops what has not started. The call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Ends the call's time, in `performance.now()` milliseconds. What cannot be done by then is OVERLOADED at once. */
  deadline?: number;
  /**
   * Waits for room, in the order of the calls, instead of being refused with OVERLOADED; for bulk work. Without a deadline it
   * waits for ever, with one until DEADLINE_EXCEEDED.
   */
  wait?: boolean;
  /**
   * "fail" (the default) rejects the call at the first item that fails. "return" gives null in place of the vectors of items
   * that are at fault themselves, and their errors; what is not an item's fault rejects the call all the same.
   */
  onError?: "fail" | "return";
  /**
   * Images' bytes are read from where they are, since the caller leaves them as they are for good, also when the call was
   * aborted. By default they are copied: equal images of several calls are decoded once.
   */
  keepsBytes?: boolean;
}

/** Tells how many milliseconds a request spent in each stage; for several items, the longest. */
export interface StageTimings {
  fetchMs?: number;
  decodeMs?: number;
  tokenizeMs?: number;
  queueMs: number;
  inferenceMs: number;
}

export interface Encoding<Vector = Float32Array> {
  /** Each input has one vector of `manifest.dimensions` float32, in the order of the inputs. */
  embeddings: Vector[];
  /** With `onError: "return"`, these say what each null in `embeddings` failed for; `index` is its position. */
  errors: EncoderError[];
  /** Counts the texts that were cut to the model's longest sequence; 0 for images. */
  truncated: number;
  /** Counts the tokens that stand for something unknown, such as a very long word; 0 for images. */
  unknownTokens: number;
  /** Counts the images that could be read only in part; 0 for texts. */
  incomplete: number;
  /** Counts the tokens that were encoded, after truncation and with special tokens; 0 for images. */
  tokens: number;
  timings: StageTimings;
}

/** Hears what happens inside, for metrics and logs. */
export interface EncoderObserver {
  onTimings?(tower: TowerName, timings: Partial<StageTimings>): void;
  onBatch?(tower: TowerName, batch: { size: number; inferenceMs: number }): void;
  onQueueDepth?(tower: TowerName, depth: number): void;
  onEngineDeath?(tower: TowerName, reason: string): void;
  onDecoderEnd?(reason: DecoderEnd): void;
  /** Called after each image URL, with "ok" or why it was not fetched. */
  onFetch?(outcome: "ok" | ErrorCode): void;
  /** Called when the embedded model was built into a temporary folder, because MODELS_DIR cannot be written. */
  onTemporaryModel?(reason: EncoderError): void;
  /** Called when a tower has fewer engines than suit the cores: weights cannot be shared, or those for load do not start. */
  onFewerEngines?(tower: TowerName, reason: EncoderError): void;
  /** When DEVICE is auto and graphs run on the processor, with what keeps them from a GPU; it may hold paths. */
  onDeviceFallback?(reason: string): void;
}

export interface Encoder {
  readonly manifest: Manifest;
  /** What was asked for by DEVICE, and what runs the graphs. */
  readonly device: { wanted: "cpu" | "cuda" | "auto"; used: "cpu" | "cuda" };
  /** @throws EncoderError with a code of errors.ts; `index` names the item. */
  encodeTexts: Encode<string>;
  encodeImages: Encode<ImageInput>;
  /** Tells whether each tower has given a vector within `maxAgeMs`, or gives one before the signal aborts. */
  isHealthy(options: { maxAgeMs: number; signal?: AbortSignal }): Promise<boolean>;
  /**
   * Answers what was accepted, fetching, decoding and tokenising included, and refuses what comes after with SHUTTING_DOWN.
   * Then it stops threads and processes. @param options `timeoutMs`: what takes longer is refused, too; 25,000 by default
   */
  close(options?: { timeoutMs?: number }): Promise<void>;
}

/** With `onError: "return"` a vector may be null. */
export interface Encode<Input> {
  (inputs: readonly Input[], options: EncodeOptions & { onError: "return" }): Promise<Encoding<Float32Array | null>>;
  (inputs: readonly Input[], options?: EncodeOptions): Promise<Encoding>;
}
