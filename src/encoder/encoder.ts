import { join } from "node:path";
import { openPacked, weightBytes } from "../build/packed.ts";
import { resolveModel } from "../build/resolve.ts";
import {
  decodeSettings,
  defaultDrainMs,
  type EncoderConfig,
  encoderSettings,
  fetchSettings,
} from "../config/encoder.ts";
import { pickSettings, settingsWith } from "../config/setting.ts";
import { chooseDevice, type Device } from "../engine/device.ts";
import { graphIdentity, startEngine } from "../engine/engine.ts";
import {
  batchSizesFor,
  decodersFor,
  type Layout,
  type LayoutOptions,
  layoutFor,
  productsOf,
} from "../engine/layout.ts";
import { toEncoderError } from "../errors.ts";
import { availableCores } from "../host/available-cores.ts";
import { BytePool } from "../image/byte-pool.ts";
import { createDecoder } from "../image/decoder.ts";
import { createImageFetcher } from "../image/fetch.ts";
import { type Picture, pixelBytes } from "../image/pixels.ts";
import { mostSmallBytes } from "../image/plain-jpeg.ts";
import { imageTensors } from "../image/tensors.ts";
import { withHome } from "../model/locate.ts";
import type { Model } from "../model/manifest.ts";
import { textTensors } from "../text/tensors.ts";
import { openTokenizer } from "../text/tokenizer.ts";
import { allOrNone, startTower, type Tower } from "../tower/tower.ts";
import type { Encode, Encoder, EncoderObserver, ImageInput, TowerName } from "./contract.ts";
import { createHealthCheck } from "./health.ts";
import { createImageEncoder } from "./images.ts";
import { spawnPictureEngine } from "./picture-engine.ts";
import { createTextEncoder } from "./texts.ts";

export type * from "./contract.ts";

export type EncoderOptions = Partial<EncoderConfig>;

export interface StartOptions {
  /** Ends the start. It means nothing afterwards. */
  signal?: AbortSignal;
  startEngine?: typeof startEngine;
  /** Starts these towers alone, by default both. Inputs of the other kind are then refused as a fault of the program. */
  towers?: readonly TowerName[];
  /** Divides the cores so that many items are soon done, rather than one. */
  isBulk?: boolean;
}

/** However large MAX_IMAGE_QUEUE and a model's pictures are, decoded pixels take no more memory than this. */
const mostPixelBytes = 512 * 1024 * 1024;

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
  const config = settingsWith(encoderSettings, options);
  const { model: name, modelsDir } = config;
  const { towers = ["image", "text"] } = start;
  const onTemporary: EncoderObserver["onTemporaryModel"] = (reason) => observer.onTemporaryModel?.(reason);
  const model = await resolveModel({ model: name, modelsDir, onTemporary, signal: start.signal });
  const precisions = towers.map((tower) => model.manifest[tower].precision);
  const { device, reason } = await chooseDevice({ wanted: config.device, precisions, signal: start.signal });
  if (reason !== undefined) observer.onDeviceFallback?.(reason);

  const side = { model, config, device, observer, start };
  const starting: [Promise<Side<ImageInput>>, Promise<Side<string>>] = [
    towers.includes("image") ? startImageSide(side) : noSide("image"),
    towers.includes("text") ? startTextSide(side) : noSide("text"),
  ];
  const [images, texts] = await allOrNone(starting, (side) => side.close({ timeoutMs: 0 }));
  const encodersFor = (observer: EncoderObserver) => ({
    encodeTexts: texts.encodeFor(observer),
    encodeImages: images.encodeFor(observer),
  });
  return {
    manifest: model.manifest,
    device: { wanted: config.device, used: device },
    ...encodersFor(observer),
    isHealthy: createHealthCheck({ images: images.tower, texts: texts.tower, ...encodersFor({}) }), // probes count in no metric of requests
    async close({ timeoutMs = defaultDrainMs } = {}) {
      await Promise.all([images.close({ timeoutMs }), texts.close({ timeoutMs })]);
    },
  };
}

/** Holds what one kind of input needs, from its bytes or words to its vector. */
interface Side<Input> extends Pick<Tower<unknown>, "close"> {
  tower: Pick<Tower<unknown>, "lastSuccessAt">;
  encodeFor(observer: EncoderObserver): Encode<Input>;
}

interface SideOptions {
  model: Model;
  config: EncoderConfig;
  device: Device;
  observer: EncoderObserver;
  start: StartOptions;
}

async function startImageSide(options: SideOptions): Promise<Side<ImageInput>> {
  const { model, config, device, observer, start } = options;
  const { image } = model.manifest;
  const { batches, ...engines } = await towerOptions("image", options);
  const decodeProcesses = decodersFor(device, availableCores(), config.decodeProcesses);
  const decoding = { ...pickSettings(decodeSettings, config), decodeProcesses };
  const takesFiles = decodesBesideGraph(device, engines.layout);
  const decoder = createDecoder({
    ...{ ...decoding, spec: image, leavesSmallJpegs: takesFiles },
    keepsOne: !start.isBulk, // a folder may have nothing for it to do
    onEnd: (reason) => observer.onDecoderEnd?.(reason),
  });
  const { maxImageBytes } = config;
  const fetcher = createImageFetcher({ ...pickSettings(fetchSettings, config), maxImageBytes });
  const { size } = image;
  const batchMemory = new BytePool(batches.maxImageBatch * (pixelBytes(size) + (takesFiles ? mostSmallBytes : 0)));
  const { maxImagePixels } = config;
  const tower = await startTower<Picture>({
    ...engines,
    ...(takesFiles && { spawn: spawnPictureEngine({ spec: image, maxImagePixels }) }),
    toTensors: (batch) => imageTensors(batch, size, batchMemory.take()),
    recycle(pictures, inputs) {
      for (const picture of pictures) if ("data" in picture) decoder.giveBack(picture);
      for (const input of inputs) if (input instanceof Uint8Array) batchMemory.giveBack(input);
    },
    maxBatch: batches.maxImageBatch,
    maxBatchCost: batches.maxImageBatch,
    maxQueue: Math.min(config.maxImageQueue, Math.floor(mostPixelBytes / pixelBytes(size))),
    holdsWholeRequests: false,
    preparationMs: decoder.msFor,
  }).catch(async (error) => {
    await decoder.close();
    throw error;
  });
  return {
    tower,
    encodeFor: (observer) => createImageEncoder({ tower, fetcher, decoder, observer, maxImageBytes }),
    async close(options) {
      await tower.close(options);
      await decoder.close();
    },
  };
}

/**
 * While an engine decodes, all its threads wait. So under load there must be engines of one thread, and one for each core:
 * decoders have the cores that engines leave.
 */
const decodesBesideGraph = (device: Device, { cores, engines, enginesForLoad }: Layout) =>
  device === "cpu" && cores >= availableCores() && (enginesForLoad > 0 || Math.max(...engines) === 1);

async function startTextSide(options: SideOptions): Promise<Side<string>> {
  const { model, config } = options;
  const { text } = model.manifest;
  const { batches, ...engines } = await towerOptions("text", options);
  const tokenizer = openTokenizer({ file: join(model.directory, text.tokenizer), maxTokens: text.maxTokens });
  const tower = await startTower<number[]>({
    ...engines,
    toTensors: (batch) => textTensors(batch, text),
    maxBatch: batches.maxTextBatch,
    maxBatchCost: batches.maxBatchTokens,
    maxQueue: config.maxTextQueue,
    holdsWholeRequests: true,
  });
  return {
    tower,
    encodeFor: (observer) => createTextEncoder({ tower, tokenizer, observer }),
    close: (options) => tower.close(options),
  };
}

/** Stands in the place of a side that was not asked for. */
async function noSide<Input>(tower: TowerName): Promise<Side<Input>> {
  const refuse = async () => {
    throw new Error(`The ${tower} tower was not started.`);
  };
  return { tower: { lastSuccessAt: Number.POSITIVE_INFINITY }, encodeFor: () => refuse, async close() {} };
}

/** Gives what both towers are started with. */
async function towerOptions(tower: TowerName, options: SideOptions) {
  const { model, config, device, observer, start } = options;
  const graph = join(model.directory, model.manifest[tower].graph);
  const identity = await graphIdentity(graph); // what is packed, and engines that start later, are of the same file
  const engines = await enginesOf(tower, options);
  const threads = Math.max(...engines.layout.engines);
  const products = productsOf(model.manifest[tower].precision);
  return {
    graph,
    identity,
    ...engines,
    batches: batchSizesFor(device, { threads, products, isBulk: start.isBulk }, config),
    largestPair: model.manifest[tower].largestPair,
    device,
    timeoutMs: config.engineTimeoutMs,
    startEngine: start.startEngine ?? startEngine,
    signal: start.signal,
    cacheSize: config.cacheSize,
    onDeath: (reason: string) => observer.onEngineDeath?.(tower, reason),
    onFewerEngines: (reason: unknown) => observer.onFewerEngines?.(tower, toEncoderError(reason)),
    observer: {
      onBatch: (batch: { size: number; inferenceMs: number }) => observer.onBatch?.(tower, batch),
      onQueueDepth: (depth: number) => observer.onQueueDepth?.(tower, depth),
    },
  };
}

/** Weights of fewer bytes are not worth a file: each engine has its own. */
const leastShared = 4 * 1024 * 1024;

/** Divides the cores among engines, which share packed weights where there are several, and a disk to map them from. */
async function enginesOf(tower: TowerName, { model, config, device, observer, start }: SideOptions) {
  const { threads, replicas, modelsDir } = config;
  const { isBulk = false, signal } = start;
  const cores = availableCores();
  if (device !== "cpu") return { layout: layoutFor(cores, { threads, replicas: replicas || 1 }) }; // one engine feeds a GPU
  const asked: LayoutOptions = { threads, replicas, isBulk };
  const shared = layoutFor(cores, { ...asked, isShared: true });
  const isAlone = shared.engines.length + shared.enginesForLoad === 1;
  if (isAlone || (weightBytes(model, tower) ?? leastShared) < leastShared) return { layout: shared };
  try {
    return { layout: shared, packed: await openPacked({ model, tower, modelsDir: withHome(modelsDir), signal }) };
  } catch (error) {
    signal?.throwIfAborted(); // whatever else it is, the service runs without shared weights
    observer.onFewerEngines?.(tower, toEncoderError(error));
    return { layout: layoutFor(cores, asked) };
  }
}
