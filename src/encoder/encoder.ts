import { createHash } from "node:crypto";
import { join } from "node:path";
import { resolveModel } from "../build/resolve.ts";
import { type EncoderConfig, encoderConfig } from "../config/encoder.ts";
import { startEngine } from "../engine/engine.ts";
import { atIndex, EncoderError, type ErrorCode, toEncoderError } from "../errors.ts";
import { availableCores } from "../host/available-cores.ts";
import { createDecoder } from "../image/decoder.ts";
import type { DecoderEnd } from "../image/decoder-process.ts";
import { createImageFetcher, type FetchedImage } from "../image/fetch.ts";
import type { FetchWanted } from "../image/fetch-queue.ts";
import type { Pixels } from "../image/pixels.ts";
import { imageTensors } from "../image/tensors.ts";
import type { Manifest } from "../model/manifest.ts";
import { textTensors } from "../text/tensors.ts";
import { openTokenizer, type Tokens } from "../text/tokenizer.ts";
import type { Share } from "../tower/in-flight.ts";
import { allOrNone, startTower, type Tower, type TowerPlace, type TowerResult } from "../tower/tower.ts";
import { normalized } from "../tower/vectors.ts";
import { probeImage, probeText } from "./probe.ts";
import { mapAhead, type RequestScope, requestScope } from "./request-scope.ts";

/** An encoded picture (JPEG, PNG, WebP, GIF, AVIF, TIFF, BMP), or where to fetch one. */
export type ImageInput = Uint8Array | { url: string };

export interface EncodeOptions {
  /** Unit length (the default), so that a dot product is a cosine; false gives the tower's raw output. */
  normalize?: boolean;
  /** Aborting drops what has not started; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** In `performance.now()` milliseconds: what cannot be done by then is refused at once, with OVERLOADED. */
  deadline?: number;
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
  /** One vector of `manifest.dimensions` float32 per input, in the order of the inputs. */
  embeddings: Float32Array[];
  /** How many texts were cut to the model's longest sequence; 0 for images. */
  truncated: number;
  /** Tokens encoded, special tokens included, after truncation; 0 for images. */
  tokens: number;
  timings: StageTimings;
}

export type TowerName = "image" | "text";

/** Told what happens inside, for metrics and logs. */
export interface EncoderObserver {
  /** After each item's work, in milliseconds. */
  onTimings?(tower: TowerName, timings: Partial<StageTimings>): void;
  onBatch?(tower: TowerName, batch: { size: number; inferenceMs: number }): void;
  onQueueDepth?(tower: TowerName, depth: number): void;
  onEngineDeath?(tower: TowerName, reason: string): void;
  onDecoderEnd?(reason: DecoderEnd): void;
  /** After each image URL: "ok" or why not. */
  onFetch?(outcome: "ok" | ErrorCode): void;
  /** The embedded model was built into a temporary folder, because MODELS_DIR cannot be written. */
  onTemporaryModel?(reason: EncoderError): void;
}

export type EncoderOptions = Partial<EncoderConfig>;

export interface StartOptions {
  /** Ends the start, and means nothing afterwards. */
  signal?: AbortSignal;
  /** What runs the graphs. */
  startEngine?: typeof startEngine;
}

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

/**
 * Opens a model (the embedded one is built on its first use) and starts its towers, decoder and fetcher.
 * @throws EncoderError MODEL_INVALID, CONFIG_INVALID or ENGINE_FAILED, saying what is wrong and how to mend it; the signal's
 * reason when aborted.
 */
export async function createEncoder(
  options: EncoderOptions = {},
  observer: EncoderObserver = {},
  start: StartOptions = {},
): Promise<Encoder> {
  const config = encoderConfig(options);
  const { directory, manifest } = await resolveModel({
    ...config,
    ...start,
    onTemporary: (reason) => observer.onTemporaryModel?.(reason),
  });
  const tokenizer = openTokenizer({
    file: join(directory, manifest.text.tokenizer),
    maxTokens: manifest.text.maxTokens,
  });
  const [images, texts] = await startTowers({ directory, manifest, config, observer, start });
  const decoder = createDecoder({
    ...config,
    spec: manifest.image,
    onEnd: (reason) => observer.onDecoderEnd?.(reason),
  });
  const fetcher = createImageFetcher(config);

  /** Of a large request: enough that every engine finds its next batch waiting, and not the queue, where others would find no room. */
  const ahead = (maxBatch: number) => maxBatch * (config.replicas + 1);

  async function encodeTexts(inputs: readonly string[], options: EncodeOptions = {}): Promise<Encoding> {
    const scope = requestScope(options.signal);
    const place = texts.open({ items: inputs.length, deadline: options.deadline });
    try {
      if (inputs.length > 1) place.book({ items: 0, cost: 0 }); // spares tokenising many texts in vain
      const startedAt = performance.now();
      const tokens = await tokenizer.tokenize(inputs, scope.signal);
      const tokenizeMs = performance.now() - startedAt;
      const unknown = tokens.filter(({ key }) => !texts.knows(key));
      if (unknown.length > 0) place.book({ items: unknown.length, cost: tokenCount(unknown) });
      // Neighbours in the queue share batches, so texts of like length take their turns one after another.
      const order = tokens.map((_, index) => index).sort((a, b) => tokens[a]!.ids.length - tokens[b]!.ids.length);
      const embeddings = new Array<Float32Array>(tokens.length);
      const results = await mapAhead(order, ahead(config.maxTextBatch), async (index, turn) => {
        const { key, ids } = tokens[index]!;
        const share = place.embed({ key, position: turn.index, cost: ids.length }, () => ids);
        const { embedding, queueMs, inferenceMs } = await named(scope.until(share), index);
        embeddings[index] = finish(embedding, options);
        return { queueMs: turn.waitedMs + queueMs, inferenceMs };
      });
      const timings = { tokenizeMs, ...longest(results) };
      observer.onTimings?.("text", timings);
      return {
        embeddings,
        truncated: tokens.filter(({ truncated }) => truncated).length,
        tokens: tokenCount(tokens),
        timings,
      };
    } finally {
      scope.end(); // one failed item ends the work on the others
      place.close();
    }
  }

  async function encodeImages(inputs: readonly ImageInput[], options: EncodeOptions = {}): Promise<Encoding> {
    const scope = requestScope(options.signal);
    const place = images.open({ items: inputs.length, deadline: options.deadline, preparationMs: decoder.msFor });
    const most = ahead(config.maxImageBatch);
    try {
      // A single image may be one that is under way already. What is behind a URL is booked when it is there, or slow
      // servers could keep others out.
      const given = inputs.length > 1 ? inputs.filter((input) => input instanceof Uint8Array).length : 0;
      if (given > 0) place.book({ items: Math.min(given, most), cost: given });
      const results = await mapAhead(inputs, most, (input, { index: position, waitedMs }) => {
        const request = { place, position, waitedMs, scope, deadline: options.deadline };
        const isBooked = given > 0 && input instanceof Uint8Array;
        return named(encodeImage(input, { ...request, isBooked }), position);
      });
      return {
        embeddings: results.map(({ embedding }) => finish(embedding, options)),
        truncated: 0,
        tokens: 0,
        timings: { ...longest(results), ...longestOf(results, "fetchMs"), ...longestOf(results, "decodeMs") },
      };
    } finally {
      scope.end(); // one failed item ends the work on the others
      place.close();
    }
  }

  async function encodeImage(input: ImageInput, request: ImageRequest) {
    if (input instanceof Uint8Array) return encodeBytes(input, request);
    const { scope, deadline } = request;
    const startedAt = performance.now();
    const { bytes, release } = await fetched(input.url, { signal: scope.signal, deadline });
    const fetchMs = performance.now() - startedAt;
    return encodeBytes(bytes, { ...request, fetchMs }).finally(release);
  }

  async function fetched(url: string, wanted: FetchWanted): Promise<FetchedImage> {
    try {
      const image = await fetcher.fetchImage(url, wanted);
      observer.onFetch?.("ok");
      return image;
    } catch (error) {
      observer.onFetch?.(toEncoderError(error).code);
      throw error;
    }
  }

  async function encodeBytes(bytes: Uint8Array, request: ImageRequest) {
    const { place, position, waitedMs, isBooked, scope, fetchMs } = request;
    const key = createHash("sha256").update(bytes).digest("base64");
    if (!isBooked && !images.knows(key)) place.book({ items: 1, cost: 1 });
    const share = place.embed({ key, position, cost: 1 }, (signal) => decoder.decode(bytes, { signal }));
    const result = await scope.until(share);
    const timings = { ...result, queueMs: waitedMs + result.queueMs, ...(fetchMs === undefined ? {} : { fetchMs }) };
    observer.onTimings?.("image", timings);
    return timings;
  }

  let probes = 0;
  let probing: Promise<boolean> | undefined;
  /**
   * Takes the way of a real request, decoder included, under a key of its own that no cache knows; only through the towers
   * that have been silent, since a busy one may have a full queue and is well.
   */
  async function probe(silent: { image: boolean; text: boolean }, caller: AbortSignal | undefined): Promise<boolean> {
    const scope = requestScope(caller);
    const input = { key: `probe ${++probes}`, position: 0, cost: 1 };
    try {
      const [tokens] = await tokenizer.tokenize([probeText], scope.signal);
      const shares: Share<TowerResult>[] = [];
      const image = images.open({ items: 1 });
      if (silent.image) shares.push(image.embed(input, (signal) => decoder.decode(probeImage, { signal })));
      if (silent.text) shares.push(texts.open({ items: 1 }).embed(input, () => tokens!.ids));
      await Promise.all(shares.map(scope.until));
      return true;
    } catch {
      return false; // whatever it was, this service gives no vectors now
    } finally {
      scope.end();
    }
  }

  return {
    manifest,
    encodeTexts,
    encodeImages,
    async isHealthy({ maxAgeMs, signal }) {
      const isSilent = ({ lastSuccessAt }: { lastSuccessAt: number }) => performance.now() - lastSuccessAt > maxAgeMs;
      const silent = { image: isSilent(images), text: isSilent(texts) };
      if (!silent.image && !silent.text) return true;
      probing ??= probe(silent, signal).finally(() => {
        probing = undefined;
      });
      return probing;
    },
    queueDepth: () => ({ image: images.depth, text: texts.depth }),
    async close() {
      await Promise.all([images.close(), texts.close()]);
      await decoder.close();
    },
  };
}

interface TowersOptions {
  directory: string;
  manifest: Manifest;
  config: EncoderConfig;
  observer: EncoderObserver;
  start: StartOptions;
}

function startTowers({ directory, manifest, config, observer, start }: TowersOptions) {
  const towerOptions = (tower: TowerName) => ({
    graph: join(directory, manifest[tower].graph),
    threads: config.threads || availableCores(),
    timeoutMs: config.engineTimeoutMs,
    replicas: config.replicas,
    startEngine,
    ...start,
    cacheSize: config.cacheSize,
    onDeath: (reason: string) => observer.onEngineDeath?.(tower, reason),
    observer: {
      onBatch: (batch: { size: number; inferenceMs: number }) => observer.onBatch?.(tower, batch),
      onQueueDepth: (depth: number) => observer.onQueueDepth?.(tower, depth),
    },
  });
  return allOrNone<[Tower<Pixels>, Tower<number[]>]>([
    startTower<Pixels>({
      ...towerOptions("image"),
      toTensors: (batch) => imageTensors(batch, manifest.image.size),
      costOf: () => 1,
      maxBatch: config.maxImageBatch,
      maxBatchCost: config.maxImageBatch,
      maxQueue: config.maxImageQueue,
    }),
    startTower<number[]>({
      ...towerOptions("text"),
      toTensors: (batch) => textTensors(batch, manifest.text),
      costOf: (ids) => ids.length,
      maxBatch: config.maxTextBatch,
      maxBatchCost: config.maxBatchTokens,
      maxQueue: config.maxTextQueue,
    }),
  ]);
}

/** One image of a request. */
interface ImageRequest {
  place: TowerPlace<Pixels>;
  /** Among the request's images. */
  position: number;
  /** For the images before it. */
  waitedMs: number;
  /** With the request's others, before any was begun. */
  isBooked: boolean;
  scope: RequestScope;
  deadline: number | undefined;
  fetchMs?: number;
}

/** The same promise, whose failure names the item. */
function named<T>(promise: Promise<T>, index: number): Promise<T> {
  return promise.catch((error) => {
    throw error instanceof EncoderError ? atIndex(error, index) : error;
  });
}

function tokenCount(tokens: readonly Tokens[]): number {
  return tokens.reduce((sum, { ids }) => sum + ids.length, 0);
}

/** A vector of its own for the caller: the original may be shared with other requests and the cache. */
function finish(embedding: Float32Array, { normalize = true }: EncodeOptions): Float32Array {
  return normalize ? normalized(embedding) : embedding.slice();
}

function longest(results: readonly StageTimings[]): StageTimings {
  const of = (stage: "queueMs" | "inferenceMs") => results.reduce((most, timings) => Math.max(most, timings[stage]), 0);
  return { queueMs: of("queueMs"), inferenceMs: of("inferenceMs") };
}

function longestOf(results: readonly Partial<StageTimings>[], stage: "fetchMs" | "decodeMs") {
  const given = results.flatMap((timings) => timings[stage] ?? []);
  return given.length > 0 ? { [stage]: given.reduce((most, ms) => Math.max(most, ms), 0) } : {};
}
