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
  /** Starts one process at once, so that the first image finds it ready. */
  startsEarly?: boolean;
  /** A process that was not used for so long is ended; by default, all are kept. */
  idleMs?: number;
}

/** Holds decoder processes, each used by one image at a time. There are as many as are taken at the same time. */
export interface DecoderPool {
  /**
   * Gives a process that is ready for an image.
   * @throws EncoderError DECODER_FAILED or SHUTTING_DOWN
   */
  take(): Promise<DecoderProcess>;
  giveBack(process: DecoderProcess): void;
  close(): Promise<void>;
}

const firstRestartDelayMs = 100;
const longestRestartDelayMs = 5_000;
/** After this many failed starts in a row, an image is no longer kept waiting for the next try. */
const mostFailedStarts = 3;

export function createDecoderPool(options: DecoderPoolOptions): DecoderPool {
  const starter = createStarter(options);
  const idle: { process: DecoderProcess; ending: NodeJS.Timeout | undefined }[] = [];
  let warming = options.startsEarly ? starter.start() : undefined;

  /** Takes the one used last, whose memory is warm. */
  function takeIdle(): DecoderProcess | undefined {
    const found = idle.pop();
    clearTimeout(found?.ending);
    return found?.process;
  }

  return {
    async take() {
      for (;;) {
        if (starter.isClosed()) throw shuttingDown();
        const first = warming;
        warming = undefined;
        const found = (await first) ?? takeIdle();
        if (found?.isUsable()) return found;
        if (found || idle.length > 0) continue;
        await starter.waitForNextStart();
        const started = starter.isClosed() ? undefined : await starter.start();
        if (started?.isUsable()) return started;
      }
    },
    giveBack(process) {
      if (!process.isUsable()) return;
      const resting: (typeof idle)[number] = { process, ending: undefined };
      idle.push(resting);
      if (options.idleMs === undefined) return;
      resting.ending = setTimeout(() => {
        idle.splice(idle.indexOf(resting), 1);
        process.kill();
      }, options.idleMs).unref();
    },
    async close() {
      for (const { ending } of idle) clearTimeout(ending);
      await starter.close();
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
