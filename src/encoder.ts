import type { Config } from "./config.ts";
import type { Manifest } from "./models/manifest.ts";

/** An encoded picture (JPEG, PNG, WebP, GIF, AVIF, TIFF, BMP), or where to fetch one. */
export type ImageInput = Uint8Array | { url: string };

export interface EncodeOptions {
  /** Unit length (the default), so that a dot product is a cosine; false gives the tower's raw output. */
  normalize?: boolean;
  /** Aborting drops what has not started. */
  signal?: AbortSignal;
}

/** Milliseconds that a request spent in each stage; for several items, the longest. */
export interface StageTimings {
  fetchMs?: number;
  decodeMs?: number;
  tokenizeMs?: number;
  queueMs: number;
  inferenceMs: number;
}

export interface Encoding {
  /** One vector of `model.dimensions` float32 per input, in the order of the inputs. */
  embeddings: Float32Array[];
  /** How many texts were cut to the model's longest sequence; 0 for images. */
  truncated: number;
  /** Tokens encoded, special tokens included, after truncation; 0 for images. */
  tokens: number;
  timings: StageTimings;
}

export type EncoderOptions = Partial<Config>;

export interface Encoder {
  readonly manifest: Manifest;
  /** @throws EncoderError with a code of errors.ts; `index` names the item. */
  encodeTexts(texts: readonly string[], options?: EncodeOptions): Promise<Encoding>;
  encodeImages(images: readonly ImageInput[], options?: EncodeOptions): Promise<Encoding>;
  /** Whether both towers really work: true if each has given a vector within `maxAgeMs`, or gives one now. */
  isHealthy(options: { maxAgeMs: number; signal?: AbortSignal }): Promise<boolean>;
  /** Items waiting for each tower. */
  queueDepth(): { image: number; text: number };
  /** Finishes what was accepted, then stops threads and processes. */
  close(): Promise<void>;
}
