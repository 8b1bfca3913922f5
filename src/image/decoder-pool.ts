import { setTimeout as sleep } from "node:timers/promises";
import { EncoderError, shuttingDown } from "../errors.ts";
import {
  type DecoderEnd,
  type DecoderProcess,
  type DecoderProcessOptions,
  startDecoderProcess,
} from "./decoder-process.ts";

export interface DecoderPoolOptions extends DecoderProcessOptions {
  onEnd?: ((reason: DecoderEnd) => void) | undefined;
  /** Keeps one process from the beginning, so that the first image finds it ready. */
  keepsOne?: boolean;
  /** Other processes are ended when they were not used for so long. */
  idleMs?: number;
}

/** Holds decoder processes, each used by one image at a time. */
export interface DecoderPool {
  /**
   * Gives a process that is ready for an image. Where all are busy, a further one is started once the image has waited
   * for a while: small ones are decoded so fast that one process feeds the engines of several cores.
   * @param since when the image began to wait, in `performance.now()` milliseconds
   * @throws EncoderError DECODER_FAILED or SHUTTING_DOWN
   */
  take(since: number): Promise<DecoderProcess>;
  giveBack(process: DecoderProcess): void;
  close(): Promise<void>;
}

const firstRestartDelayMs = 100;
const longestRestartDelayMs = 5_000;
/** After this many failed starts in a row, an image is no longer kept waiting for the next try. */
const mostFailedStarts = 3;
/** A further process takes 0.3 s of a core to start, and 35 MB. */
const patienceMs = 100;
const defaultIdleMs = 60_000;

export function createDecoderPool(options: DecoderPoolOptions): DecoderPool {
  const { keepsOne = false, idleMs = defaultIdleMs } = options;
  const starter = createStarter(options);
  const idle: { process: DecoderProcess; ending: NodeJS.Timeout }[] = [];
  const waiting: ((process?: DecoderProcess) => void)[] = [];
  let warming = keepsOne ? starter.start() : undefined;

  /** Takes the one used last, whose memory is warm. */
  function takeIdle(): DecoderProcess | undefined {
    const found = idle.pop();
    clearTimeout(found?.ending);
    return found?.process;
  }

  /** Waits for one that is busy. It gives nothing if that takes too long, or if it has ended. */
  function takeBusy(ms: number): Promise<DecoderProcess | undefined> {
    return new Promise((resolve) => {
      const settle = (process?: DecoderProcess) => {
        clearTimeout(timer);
        resolve(process);
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(settle), 1);
        resolve(undefined);
      }, ms);
      waiting.push(settle);
    });
  }

  async function startAnother(): Promise<DecoderProcess | undefined> {
    await starter.waitForNextStart();
    return starter.isClosed() ? undefined : starter.start();
  }

  return {
    async take(since) {
      for (;;) {
        if (starter.isClosed()) throw shuttingDown();
        const first = warming;
        warming = undefined;
        const found = (await first) ?? takeIdle();
        if (found?.isUsable()) return found;
        if (found || idle.length > 0) continue;
        const leftMs = since + patienceMs - performance.now();
        const next = starter.count() > 0 && leftMs > 0 ? await takeBusy(leftMs) : await startAnother();
        if (next?.isUsable()) return next;
      }
    },
    giveBack(process) {
      const isUsable = process.isUsable();
      const next = waiting.shift();
      if (next) return next(isUsable ? process : undefined);
      if (!isUsable) return;
      const resting = {
        process,
        ending: setTimeout(() => {
          if (keepsOne && starter.count() === 1) return;
          idle.splice(idle.indexOf(resting), 1);
          process.kill();
        }, idleMs).unref(),
      };
      idle.push(resting);
    },
    async close() {
      for (const { ending } of idle) clearTimeout(ending);
      const closing = starter.close();
      for (const next of waiting.splice(0)) next();
      await closing;
    },
  };
}

/** Starts processes, at growing distances while that fails, and knows those that are alive. */
function createStarter(options: DecoderPoolOptions) {
  const alive = new Set<DecoderProcess>();
  const closing = new AbortController();
  let failedStarts = 0;
  /** A machine that could not start a process is not asked again before this time. */
  let nextStartAt = 0;

  async function startOne(): Promise<DecoderProcess | undefined> {
    try {
      const process = startDecoderProcess(options);
      alive.add(process);
      void process.exited.then((reason) => {
        alive.delete(process);
        if (reason) options.onEnd?.(reason);
      });
      return (await process.ready) ? process : undefined;
    } catch {
      return undefined; // there is no memory for another process
    }
  }

  return {
    isClosed: () => closing.signal.aborted,
    count: () => [...alive].filter((process) => process.isUsable()).length,
    async start() {
      const process = await startOne();
      const delayMs = Math.min(firstRestartDelayMs * 2 ** failedStarts, longestRestartDelayMs);
      if (!process) nextStartAt = performance.now() + delayMs;
      failedStarts = process ? 0 : failedStarts + 1;
      return process;
    },
    /** Waits until another start may be tried, and no longer than an image should. @throws EncoderError DECODER_FAILED */
    async waitForNextStart() {
      const waitMs = nextStartAt - performance.now();
      if (waitMs <= 0) return;
      if (failedStarts >= mostFailedStarts && alive.size === 0) {
        throw new EncoderError("DECODER_FAILED", "The image decoder could not be started.");
      }
      await sleep(waitMs, undefined, { signal: closing.signal }).catch(() => {});
    },
    async close() {
      closing.abort();
      for (const process of alive) process.kill();
      await Promise.all([...alive].map((process) => process.exited));
    },
  };
}
