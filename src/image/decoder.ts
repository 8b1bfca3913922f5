import type { EncoderConfig } from "../config/encoder.ts";
import { EncoderError, overloaded } from "../errors.ts";
import { availableCores } from "../host/available-cores.ts";
import { Pace } from "../scheduling/pace.ts";
import {
  type DecoderEnd,
  type DecoderProcess,
  type DecoderProcessOptions,
  startDecoderProcess,
} from "./decoder-process.ts";
import type { Pixels } from "./pixels.ts";

export interface DecoderOptions
  extends DecoderProcessOptions,
    Pick<EncoderConfig, "decodeProcesses" | "maxImageBytes" | "maxDecodeQueue"> {
  /** Told of each process that ended and was not asked to. */
  onEnd?: (reason: DecoderEnd) => void;
}

/** Turns encoded images into pixels, in processes of its own: whatever an image does to its decoder, it does it there. */
export interface Decoder {
  /**
   * Aborting drops an image that still waits; one that is being decoded is finished, unobserved.
   * @throws EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_UNREADABLE, IMAGE_DECODE_TIMEOUT, OVERLOADED,
   * DECODER_FAILED or SHUTTING_DOWN; the signal's reason when aborted.
   */
  decode(bytes: Uint8Array, options?: { signal?: AbortSignal }): Promise<Pixels>;
  /** Images that wait for a process. */
  queueDepth(): number;
  /** Milliseconds that what waits and this many more images take to be decoded; 0 while that is not known. */
  msFor(images: number): number;
  close(): Promise<void>;
}

interface Job {
  bytes: Uint8Array;
  /** Processes that died over it. */
  deaths: number;
  aborted: boolean;
  pixels: Promise<Pixels>;
  resolve: (pixels: Pixels) => void;
  reject: (reason: unknown) => void;
}

const mostDefaultProcesses = 8;
const firstRestartDelayMs = 100;
const longestRestartDelayMs = 5_000;
/** Starts in a row that fail before waiting images are given up. */
const mostFailedStarts = 3;
/** The first death may be another's fault, such as memory that ran out on the machine. */
const mostDeathsPerImage = 2;

/** Starts one process at once, so that the first image finds it ready, and more when images wait. */
export function createDecoder(options: DecoderOptions): Decoder {
  const most = options.decodeProcesses || Math.min(availableCores(), mostDefaultProcesses);
  const pace = new Pace(most, () => performance.now());
  const queue: Job[] = [];
  const idle: DecoderProcess[] = [];
  const alive = new Set<DecoderProcess>();
  let starting = 0;
  let failedStarts = 0;
  let restart: NodeJS.Timeout | undefined;
  let closed = false;

  async function start(): Promise<void> {
    const process = spawn();
    if (!process) return startLater();
    starting++;
    alive.add(process);
    void process.exited.then((reason) => {
      if (reason) options.onEnd?.(reason);
      alive.delete(process);
      next();
    });
    const isReady = await process.ready;
    starting--;
    if (isReady) {
      failedStarts = 0;
      return offer(process);
    }
    alive.delete(process);
    startLater();
  }

  function spawn(): DecoderProcess | undefined {
    try {
      return startDecoderProcess(options);
    } catch {
      return undefined; // no memory for another process
    }
  }

  /** A machine that cannot start processes now is not asked again at once. */
  function startLater(): void {
    if (closed) return;
    const delayMs = Math.min(firstRestartDelayMs * 2 ** failedStarts++, longestRestartDelayMs);
    restart ??= setTimeout(() => {
      restart = undefined;
      next();
    }, delayMs);
    if (alive.size > 0 || failedStarts < mostFailedStarts) return;
    rejectQueue(new EncoderError("DECODER_FAILED", "The image decoder could not be started."));
  }

  function rejectQueue(error: EncoderError): void {
    for (const job of queue.splice(0)) job.reject(error);
  }

  function offer(process: DecoderProcess): void {
    if (process.isUsable()) idle.push(process);
    next();
  }

  /** Gives the longest waiting images to free processes, and starts a process for those that find none. */
  function next(): void {
    if (closed) return;
    while (queue.length > 0) {
      const process = idle.pop(); // the last one used, whose memory is warm
      if (!process) break;
      if (process.isUsable()) void run(queue.shift()!, process);
    }
    while (starting < queue.length && alive.size < most && !restart) void start();
  }

  async function run(job: Job, process: DecoderProcess): Promise<void> {
    const startedAt = performance.now();
    try {
      const pixels = await process.decode(job.bytes);
      if (pixels) job.resolve(pixels);
      else if (closed) job.reject(shuttingDown());
      else if (++job.deaths >= mostDeathsPerImage) job.reject(unreadable());
      else if (!job.aborted) queue.unshift(job);
    } catch (error) {
      job.reject(error);
    }
    pace.measure(1, performance.now() - startedAt);
    offer(process);
  }

  void start();

  return {
    async decode(bytes, { signal } = {}) {
      signal?.throwIfAborted();
      if (closed) throw shuttingDown();
      requireBytesWithin(options.maxImageBytes, bytes.length);
      if (queue.length >= options.maxDecodeQueue) {
        throw overloaded("Too many images wait to be decoded.", pace.msFor(queue.length));
      }
      const job = newJob(bytes);
      const abort = () => {
        job.aborted = true;
        if (queue.includes(job)) queue.splice(queue.indexOf(job), 1);
        job.reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      queue.push(job);
      next();
      return job.pixels.finally(() => signal?.removeEventListener("abort", abort));
    },
    queueDepth: () => queue.length,
    msFor: (images) => pace.msFor(queue.length + images),
    async close() {
      closed = true;
      clearTimeout(restart);
      rejectQueue(shuttingDown());
      for (const process of alive) process.kill();
      await Promise.all([...alive].map((process) => process.exited));
    },
  };
}

function newJob(bytes: Uint8Array): Job {
  const job = { bytes, deaths: 0, aborted: false } as Job; // the next line adds the rest
  job.pixels = new Promise((resolve, reject) => Object.assign(job, { resolve, reject }));
  return job;
}

function unreadable(): EncoderError {
  return new EncoderError("IMAGE_UNREADABLE", "The image could not be decoded.", { internal: "its decoders died" });
}

function shuttingDown(): EncoderError {
  return new EncoderError("SHUTTING_DOWN", "The service is stopping.");
}

function requireBytesWithin(most: number, bytes: number): void {
  if (bytes <= most) return;
  throw new EncoderError("IMAGE_TOO_LARGE", `Expected at most ${most} bytes, received ${bytes}.`);
}
