import { availableCores } from "../available-cores.ts";
import type { Config } from "../config.ts";
import { EncoderError } from "../errors.ts";
import { type DecoderProcess, type DecoderProcessOptions, startDecoderProcess } from "./decoder-process.ts";
import type { Pixels } from "./pixels.ts";

export interface DecoderOptions
  extends DecoderProcessOptions,
    Pick<Config, "decodeProcesses" | "maxImageBytes" | "maxDecodeQueue"> {}

/** Turns encoded images into pixels, in processes of its own: whatever an image does to its decoder, it does it there. */
export interface Decoder {
  /**
   * Aborting drops an image that still waits; one that is being decoded is finished, unobserved.
   * @throws EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_UNREADABLE, IMAGE_DECODE_TIMEOUT, OVERLOADED or
   * SHUTTING_DOWN; the signal's reason when aborted.
   */
  decode(bytes: Uint8Array, options?: { signal?: AbortSignal }): Promise<Pixels>;
  /** Images that wait for a process. */
  queueDepth(): number;
  close(): Promise<void>;
}

interface Job {
  bytes: Uint8Array;
  resolve: (pixels: Promise<Pixels>) => void;
  reject: (reason: unknown) => void;
}

const mostDefaultProcesses = 8;
const firstRestartDelayMs = 100;
const longestRestartDelayMs = 5_000;

/** Starts one process at once, so that the first image finds it ready, and more when images wait. */
export function createDecoder(options: DecoderOptions): Decoder {
  const most = options.decodeProcesses || Math.min(availableCores(), mostDefaultProcesses);
  const queue = new Set<Job>(); // in order of arrival
  const idle: DecoderProcess[] = [];
  const alive = new Set<DecoderProcess>();
  let starting = 0;
  let failedStarts = 0;
  let restart: NodeJS.Timeout | undefined;
  let closed = false;

  async function start(): Promise<void> {
    starting++;
    const process = startDecoderProcess(options);
    alive.add(process);
    void process.exited.then(() => {
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

  /** A machine that cannot start processes now is not asked again at once. */
  function startLater(): void {
    const delayMs = Math.min(firstRestartDelayMs * 2 ** failedStarts++, longestRestartDelayMs);
    restart ??= setTimeout(() => {
      restart = undefined;
      next();
    }, delayMs);
    if (alive.size > 0) return;
    for (const job of queue) job.reject(new EncoderError("INTERNAL", "The image decoder could not be started."));
    queue.clear();
  }

  function offer(process: DecoderProcess): void {
    if (process.isUsable()) idle.push(process);
    next();
  }

  /** Gives the longest waiting images to free processes, and starts a process for those that find none. */
  function next(): void {
    if (closed) return;
    for (const job of queue) {
      const process = idle.findLast((it) => it.isUsable()); // the last one used, whose memory is warm
      if (!process) break;
      idle.splice(idle.indexOf(process), 1);
      queue.delete(job);
      const pixels = process.decode(job.bytes);
      job.resolve(pixels);
      void pixels.catch(() => {}).then(() => offer(process));
    }
    while (starting < queue.size && alive.size < most && !restart) void start();
  }

  void start();

  return {
    async decode(bytes, { signal } = {}) {
      signal?.throwIfAborted();
      if (closed) throw shuttingDown();
      requireBytesWithin(options.maxImageBytes, bytes.length);
      if (queue.size >= options.maxDecodeQueue) {
        throw new EncoderError("OVERLOADED", "Too many images wait to be decoded.", { retryAfterSeconds: 1 });
      }
      const { promise, ...settle } = withResolvers();
      const job = { bytes, ...settle };
      const abort = () => {
        queue.delete(job);
        job.reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      queue.add(job);
      next();
      return promise.finally(() => signal?.removeEventListener("abort", abort));
    },
    queueDepth: () => queue.size,
    async close() {
      closed = true;
      clearTimeout(restart);
      for (const job of queue) job.reject(shuttingDown());
      queue.clear();
      for (const process of alive) process.kill();
      await Promise.all([...alive].map((process) => process.exited));
    },
  };
}

/** Promise.withResolvers(), which Node 20 lacks. */
function withResolvers() {
  let settle: Pick<Job, "resolve" | "reject"> | undefined;
  const promise = new Promise<Pixels>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle! };
}

function shuttingDown(): EncoderError {
  return new EncoderError("SHUTTING_DOWN", "The service is stopping.");
}

function requireBytesWithin(most: number, bytes: number): void {
  if (bytes <= most) return;
  throw new EncoderError("IMAGE_TOO_LARGE", `Expected at most ${most} bytes, received ${bytes}.`);
}
