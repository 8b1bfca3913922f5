import { type ChildProcess, fork } from "node:child_process";
import type { EncoderConfig } from "../config/encoder.ts";
import { EncoderError, type ErrorCode } from "../errors.ts";
import { entryBeside } from "../host/entry.ts";
import type { PixelSpec, Pixels } from "./pixels.ts";

export interface DecoderProcessOptions
  extends Pick<EncoderConfig, "maxImagePixels" | "decodeTimeoutMs" | "maxDecoderBytes" | "heic" | "lenientImages"> {
  spec: PixelSpec;
}

/** Why a process ended: by itself, after DECODE_TIMEOUT_MS, or because its memory had grown. */
export type DecoderEnd = "crashed" | "hung" | "grown";

export type DecoderReply =
  | { kind: "ready" }
  | { kind: "pixels"; data: Uint8Array; incomplete: boolean; memoryBytes: number }
  | { kind: "failure"; code: ErrorCode; message: string; internal: string | undefined; memoryBytes: number };

/** Starting takes 0.2 s on an idle machine. */
const startTimeoutMs = 30_000;

/** Resident memory above which a process is not used again; see docs/performance.md. */
const recycleBytes = 256 * 1024 * 1024;

// A small heap: pictures live outside it. One arena and a fixed mmap threshold make glibc return large blocks at once.
// The environment is not handed down, so a decoder that an image takes over finds no keys in it.
const execArgv = ["--max-old-space-size=64", "--max-semi-space-size=1"];
const env = { UV_THREADPOOL_SIZE: "1", MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "131072", VIPS_WARNING: "0" };

/** The parent's end of one decoder process. */
export interface DecoderProcess {
  /** Resolves when it can take an image, to false if it died before. */
  ready: Promise<boolean>;
  /** Why, unless it was killed by the parent's wish. */
  exited: Promise<DecoderEnd | undefined>;
  /**
   * One image at a time. A process that hangs is killed.
   * @returns undefined if the process died.
   * @throws EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_UNREADABLE, IMAGE_DECODE_TIMEOUT or SHUTTING_DOWN.
   */
  decode(bytes: Uint8Array): Promise<Pixels | undefined>;
  /** False after a death or a kill, and when its memory has grown so much that a fresh process is better. */
  isUsable(): boolean;
  kill(): void;
}

type Outcome = DecoderReply | { kind: "death" } | { kind: "killed"; error: EncoderError };

export function startDecoderProcess(options: DecoderProcessOptions): DecoderProcess {
  const script = entryBeside(import.meta.url, "decoder-main").process;
  const child = fork(script.path, [argument(options)], {
    execArgv: [...execArgv, ...script.execArgv],
    env,
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  let usable = true;
  let reason: DecoderEnd | undefined;
  let settle: ((outcome: Outcome) => void) | undefined;

  const nextOutcome = () =>
    new Promise<Outcome>((resolve) => {
      settle = resolve;
    });
  const end = (outcome: Outcome, why?: DecoderEnd) => {
    if (usable) reason = why; // the first reason is the true one
    usable = false;
    child.kill("SIGKILL");
    settle?.(outcome);
  };
  const exited = new Promise<DecoderEnd | undefined>((resolve) => {
    for (const event of ["exit", "error"]) {
      child.on(event, () => {
        end({ kind: "death" }, "crashed");
        resolve(reason);
      });
    }
  });
  child.on("message", (reply: DecoderReply) => settle?.(reply));

  const startTimer = setTimeout(() => end({ kind: "death" }, "hung"), startTimeoutMs);
  const ready = nextOutcome().then((outcome) => {
    clearTimeout(startTimer);
    if (usable) holdParent(child, false); // else its exit is being waited for
    return outcome.kind === "ready";
  });

  return {
    ready,
    exited,
    async decode(bytes) {
      if (!usable) return undefined;
      holdParent(child, true);
      const outcomeComes = nextOutcome();
      child.send(bytes, () => {}); // a failure to send is a death, which "exit" reports
      const error = timedOut(options.decodeTimeoutMs);
      const timer = setTimeout(() => end({ kind: "killed", error }, "hung"), options.decodeTimeoutMs);
      const outcome = await outcomeComes;
      clearTimeout(timer);
      if (usable) holdParent(child, false);

      const isGrown = "memoryBytes" in outcome && outcome.memoryBytes > Math.min(recycleBytes, options.maxDecoderBytes);
      if (isGrown) end({ kind: "death" }, "grown");
      if (outcome.kind === "pixels") {
        return { data: outcome.data, size: options.spec.size, incomplete: outcome.incomplete };
      }
      if (outcome.kind === "failure") {
        throw new EncoderError(outcome.code, outcome.message, { internal: outcome.internal });
      }
      if (outcome.kind === "killed") throw outcome.error;
      return undefined;
    },
    isUsable: () => usable,
    kill() {
      holdParent(child, true); // until "exit" was heard
      end({ kind: "killed", error: new EncoderError("SHUTTING_DOWN", "The service is stopping.") });
    },
  };
}

/** Command lines are public on a machine: what is not needed stays out, whatever else `options` may hold. */
function argument(options: DecoderProcessOptions): string {
  const { spec, maxImagePixels, maxDecoderBytes, decodeTimeoutMs, heic, lenientImages } = options;
  const { size, resize, fit, resample, background } = spec;
  const needed: DecoderProcessOptions = {
    spec: { size, resize, fit, resample, background },
    maxImagePixels,
    maxDecoderBytes,
    decodeTimeoutMs,
    heic,
    lenientImages,
  };
  return JSON.stringify(needed);
}

/** Only work keeps the parent running, not a process that waits for some. */
function holdParent(child: ChildProcess, hold: boolean): void {
  if (hold) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}

function timedOut(timeoutMs: number): EncoderError {
  return new EncoderError("IMAGE_DECODE_TIMEOUT", `Decoding the image took longer than ${timeoutMs} ms.`);
}
