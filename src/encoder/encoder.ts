import { join } from "node:path";
import { resolveModel } from "../build/resolve.ts";
import {
  decodeSettings,
  defaultDrainMs,
  type EncoderConfig,
  encoderSettings,
  engineSettings,
  fetchSettings,
} from "../config/encoder.ts";
import { pickSettings, settingsWith, type ValuesOf } from "../config/setting.ts";
import { chooseDevice, type Device } from "../engine/device.ts";
import { startEngine } from "../engine/engine.ts";
import { layoutFor, sizesFor } from "../engine/layout.ts";
import { availableCores } from "../host/available-cores.ts";
import { createDecoder, type Decoder } from "../image/decoder.ts";
import { createImageFetcher } from "../image/fetch.ts";
import type { Pixels } from "../image/pixels.ts";
import { imageTensors } from "../image/tensors.ts";
import type { Model } from "../model/manifest.ts";
import { textTensors } from "../text/tensors.ts";
import { openTokenizer } from "../text/tokenizer.ts";
import { allOrNone, startTower, type Tower } from "../tower/tower.ts";
import type { Encoder, EncoderObserver, TowerName } from "./contract.ts";
import { createHealthCheck } from "./health.ts";
import { createImageEncoder } from "./images.ts";
import { createTextEncoder } from "./texts.ts";

export type * from "./contract.ts";

export type EncoderOptions = Partial<EncoderConfig>;

export interface StartOptions {
  /** Ends the start. It means nothing afterwards. */
  signal?: AbortSignal;
  startEngine?: typeof startEngine;
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
  const onTemporary: EncoderObserver["onTemporaryModel"] = (reason) => observer.onTemporaryModel?.(reason);
  const model = await resolveModel({ model: name, modelsDir, onTemporary, signal: start.signal });
  const { image, text } = model.manifest;
  const precisions = [image.precision, text.precision];
  const { device, reason } = await chooseDevice({ wanted: config.device, precisions, signal: start.signal });
  if (reason !== undefined) observer.onDeviceFallback?.(reason);

  const tokenizer = openTokenizer({ file: join(model.directory, text.tokenizer), maxTokens: text.maxTokens });
  const { decodeProcesses, maxImageBatch } = sizesFor(device, availableCores(), config);
  const decoding = { ...pickSettings(decodeSettings, config), decodeProcesses };
  const decoder = createDecoder({ ...decoding, spec: image, onEnd: (reason) => observer.onDecoderEnd?.(reason) });
  const { maxImageBytes } = config;
  const fetcher = createImageFetcher({ ...pickSettings(fetchSettings, config), maxImageBytes });
  const engines = { ...pickSettings(engineSettings, config), device, maxImageBatch };
  const [images, texts] = await startTowers({ model, config: engines, decoder, observer, start }).catch(
    async (error) => {
      await decoder.close();
      throw error;
    },
  );

  const encodersFor = (observer: EncoderObserver) => ({
    encodeTexts: createTextEncoder({ tower: texts, tokenizer, observer }),
    encodeImages: createImageEncoder({ tower: images, fetcher, decoder, observer, maxImageBytes }),
  });
  return {
    manifest: model.manifest,
    device: { wanted: config.device, used: device },
    ...encodersFor(observer),
    isHealthy: createHealthCheck({ images, texts, ...encodersFor({}) }), // probes count in no metric of requests
    async close({ timeoutMs = defaultDrainMs } = {}) {
      await Promise.all([images.close({ timeoutMs }), texts.close({ timeoutMs })]);
      await decoder.close();
    },
  };
}

interface TowersOptions {
  model: Model;
  config: ValuesOf<typeof engineSettings> & { device: Device };
  decoder: Decoder;
  observer: EncoderObserver;
  start: StartOptions;
}

function startTowers({ model, config, decoder, observer, start }: TowersOptions) {
  const { directory, manifest } = model;
  const { threads, device } = config;
  const replicas = device === "cpu" ? config.replicas : config.replicas || 1; // one engine feeds a GPU
  const layout = layoutFor(availableCores(), { threads, replicas });
  const towerOptions = (tower: TowerName) => ({
    graph: join(directory, manifest[tower].graph),
    largestPair: manifest[tower].largestPair,
    ...layout,
    device,
    timeoutMs: config.engineTimeoutMs,
    startEngine,
    ...start,
    cacheSize: config.cacheSize,
    onDeath: (reason: string) => observer.onEngineDeath?.(tower, reason),
    observer: {
      onBatch: (batch: { size: number; inferenceMs: number }) => observer.onBatch?.(tower, batch),
      onQueueDepth: (depth: number) => observer.onQueueDepth?.(tower, depth),
    },
  });
  const { size } = manifest.image;
  const starting: [Promise<Tower<Pixels>>, Promise<Tower<number[]>>] = [
    startTower<Pixels>({
      ...towerOptions("image"),
      toTensors: (batch) => imageTensors(batch, size),
      maxBatch: config.maxImageBatch,
      maxBatchCost: config.maxImageBatch,
      maxQueue: Math.min(config.maxImageQueue, Math.floor(mostPixelBytes / (size * size * 3))),
      holdsWholeRequests: false,
      preparationMs: decoder.msFor,
    }),
    startTower<number[]>({
      ...towerOptions("text"),
      toTensors: (batch) => textTensors(batch, manifest.text),
      maxBatch: config.maxTextBatch,
      maxBatchCost: config.maxBatchTokens,
      maxQueue: config.maxTextQueue,
      holdsWholeRequests: true,
    }),
  ];
  return allOrNone<[Tower<Pixels>, Tower<number[]>]>(starting, (tower) => tower.close({ timeoutMs: 0 }));
}
