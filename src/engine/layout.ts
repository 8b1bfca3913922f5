import { hasInt8Products } from "../host/processor.ts";
import type { Device } from "./device.ts";

/** An engine of more threads wastes too much of them on what cannot be divided; docs/performance.md has the model. */
const coresPerEngine = 4;

/** This part of an engine's work is not divided among its threads: two were 1.8 times as fast as one. */
const undivided = 0.117;

/** Tells how many times as fast as one thread an engine is, by Amdahl's law (docs/performance.md). */
export const speedup = (threads: number) => 1 / (undivided + (1 - undivided) / threads);

/** On more cores, one process should not serve all (docs/performance.md), and so many threads would take too much memory. */
const mostEnginesForLoad = 32;

/** Bulk work has at most so many engines where each holds its own copy of the weights. */
const mostBulkEngines = 4;

export interface LayoutOptions {
  /** Engines that a single item finds, and threads of each; 0 asks for a number that suits the cores. */
  replicas: number;
  threads: number;
  /** Nobody waits for a single item. */
  isBulk?: boolean;
  /** One more engine takes next to no memory, since it shares the weights of the others. */
  isShared?: boolean;
}

export interface Layout {
  /** Engines together have at most this many threads at work. */
  cores: number;
  /** Each engine has so many threads. */
  engines: number[];
  /** So many engines of one thread take over when items wait. */
  enginesForLoad: number;
}

/**
 * Divides the cores among the engines of a tower. An engine of several threads has a single item done soonest. But all of
 * its threads wait when one of them loses its core to the decoders or the event loop, and the parts that are not divided
 * are waited for as well, so where weights are shared, engines of one thread take over under load.
 */
export function layoutFor(
  cores: number,
  { replicas, threads, isBulk = false, isShared = false }: LayoutOptions,
): Layout {
  const bulkEngines = isBulk ? Math.min(cores, isShared ? mostEnginesForLoad : mostBulkEngines) : 0;
  const large = replicas || Math.max(1, Math.floor(cores / coresPerEngine), bulkEngines);
  const width = threads || Math.max(1, Math.floor(cores / large));
  const used = large * width;
  return {
    cores: used,
    engines: new Array(large).fill(width),
    enginesForLoad: isShared && width > 1 && used <= mostEnginesForLoad ? used : 0,
  };
}

/** More decoders would outrun a processor's tower; a GPU keeps up with all that a machine has cores for. */
const mostDecoders: Record<Device, number> = { cpu: 8, cuda: 64 };

/** Bounds one run of a tower. */
export interface BatchSizes {
  maxImageBatch: number;
  maxTextBatch: number;
  maxBatchTokens: number;
}

/** More are hardly faster on a thread of a processor, take memory, and have the next run wait for longer. */
const batchOfThread = { maxTextBatch: 8, maxBatchTokens: 128 };

/** What a graph is multiplied by: whole weights, or 8-bit ones with instructions for their products, or without. */
export type Products = "float" | "int8" | "fast int8";

/** @param precision of the graph, as its manifest names it */
export const productsOf = (precision: string): Products =>
  precision === "int8" ? (hasInt8Products() ? "fast int8" : "int8") : "float";

/**
 * Each image takes 2.4 MiB of each engine. The faster the products, the more it matters that all weights are read for each
 * run; whole ones take so much memory that an image more hardly counts.
 */
const imagesOfThread: Record<Products, number> = { "fast int8": 3, int8: 2, float: 4 };
/** In bulk work nobody waits. */
const bulkBatchOfThread: BatchSizes = { maxImageBatch: 8, maxTextBatch: 32, maxBatchTokens: 512 };
/** More threads wait for one another whatever they have to do. */
const mostThreadsFed = 8;
/** A GPU needs more work at once to be busy. */
const batchOfGpu: BatchSizes = { maxImageBatch: 64, maxTextBatch: 64, maxBatchTokens: 2048 };

/** Gives the number of decoder processes that suits a device. @param asked what the setting says; 0 asks for that number */
export function decodersFor(device: Device, cores: number, asked: number): number {
  return asked || Math.min(cores, mostDecoders[device]);
}

export interface EngineTraits {
  threads: number;
  products: Products;
  isBulk?: boolean | undefined;
}

/**
 * Gives the sizes of batches that suit an engine.
 * @param asked what the settings say; 0 asks for a size that suits
 */
export function batchSizesFor(
  device: Device,
  { threads, products, isBulk = false }: EngineTraits,
  asked: BatchSizes,
): BatchSizes {
  const ofThread = isBulk ? bulkBatchOfThread : { ...batchOfThread, maxImageBatch: imagesOfThread[products] };
  const usual = (name: keyof BatchSizes) =>
    device === "cpu" ? ofThread[name] * Math.min(threads, mostThreadsFed) : batchOfGpu[name];
  return {
    maxImageBatch: asked.maxImageBatch || usual("maxImageBatch"),
    maxTextBatch: asked.maxTextBatch || usual("maxTextBatch"),
    maxBatchTokens: asked.maxBatchTokens || usual("maxBatchTokens"),
  };
}
