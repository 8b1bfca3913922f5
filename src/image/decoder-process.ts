import { type ChildProcess, fork } from "node:child_process";
import type { EncoderConfig } from "../config/encoder.ts";
import { EncoderError, type ErrorCode, shuttingDown, toEncoderError } from "../errors.ts";
import { entryBeside } from "../host/entry.ts";
import { giveWay } from "../host/give-way.ts";
import { processStat } from "../host/process-stat.ts";
import type { BytePool } from "./byte-pool.ts";
import { type PixelSpec, type Pixels, pixelBytes } from "./pixels.ts";
import { openSharedFile, type SharedFile } from "./shared-file.ts";

export interface DecoderProcessOptions
  extends Pick<EncoderConfig, "maxImagePixels" | "decodeTimeoutMs" | "maxDecoderBytes" | "heic" | "lenientImages"> {
  spec: PixelSpec;
  coreMsOf?: (pid: number | undefined) => number;
  openFile?: () => SharedFile | undefined;
  /** Set where not pixels are wanted but a WebP that fits a square of this width, as `data`. */
  webpWidth?: number;
  /** Lends what pixels are put into. */
  pixelMemory?: BytePool;
  /** The process writes what it makes into the file that it shares with its parent. */
  sharesFile?: boolean;
  /** The process gives way to all others of this machine that want its cores. */
  isBackground?: boolean;
}

/**
 * Says why a process ended: by itself (crashed), by a SIGKILL that is not the parent's, such as the kernel's when
 * memory runs out (killed), after DECODE_TIMEOUT_MS (hung), or because its memory had grown (grown).
 */
export type DecoderEnd = "crashed" | "killed" | "hung" | "grown";

/** Is a portion of an encoded image; the last one has nothing left behind it. */
export interface ImagePortion {
  bytes: Uint8Array;
  bytesLeft: number;
}

export type DecoderReply =
  | ({ kind: "ready" } & ProcessUsage)
  | ({ kind: "pixels"; result: DecoderResult; incomplete: boolean } & ProcessUsage)
  | ({ kind: "failure"; code: ErrorCode; message: string; internal: string | undefined } & ProcessUsage);

/** So many bytes lie at the beginning of the shared file. Where that has no room, here they are. */
export type DecoderResult = number | Uint8Array;

/** Resident memory of a decoder process, and the time of a core that it has used since it started. */
export interface ProcessUsage {
  memoryBytes: number;
  coreMs: number;
}

/** Starting takes 0.2 s on an idle machine. */
const startTimeoutMs = 30_000;

/** No picture in a square of 1,600 pixels, the widest that is asked for, is larger. */
const mostWebpBytes = 16 * 1024 * 1024;

const bytesPerPortion = 2 * 1024 * 1024;

/** A process whose resident memory is above this is not used again; see docs/performance.md. */
const recycleBytes = 256 * 1024 * 1024;

/** A decoder that got less of a core than this until its timeout was kept waiting by the machine, not by its image. */
const leastCoreShare = 0.5;
/** After this many seconds a machine that was busy, or short of something, may be so no longer. */
export const retryAfterSeconds = 5;

// The heap is small, since pictures live outside it. With one arena and these thresholds, glibc returns the blocks of large
// pictures at once, and uses those of small ones again: to return them too would cost 0.4 ms of page faults for 640x480.
// The environment is not handed down, so that a decoder that an image takes over finds no keys in it.
const execArgv = ["--max-old-space-size=64", "--max-semi-space-size=1", "--expose-gc"];
const malloc = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "4194304", MALLOC_TRIM_THRESHOLD_: "4194304" };
const env = { ...malloc, UV_THREADPOOL_SIZE: "1", VIPS_WARNING: "0" };

/** Command lines are public on a machine: what is not needed stays out, whatever else the options may hold. */
const needed = [
  ...["maxImagePixels", "maxDecoderBytes", "heic", "lenientImages", "webpWidth", "sharesFile"],
  ...["spec", "size", "resize", "fit", "resample", "background"],
];

/** Engines have given way by one step. */
const stepsOfBackground = 2;

/** The parent's end of one decoder process. */
export interface DecoderProcess {
  /** Resolves when the process can take an image; to false if it died before. */
  ready: Promise<boolean>;
  /** Resolves when the process has ended, to the reason, or to undefined if the parent wished it. */
  exited: Promise<DecoderEnd | undefined>;
  /**
   * Decodes one image; there may be one at a time. A process that hangs is killed.
   * @returns why the process ended, if it did.
   * @throws EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_UNREADABLE, IMAGE_DECODE_TIMEOUT, DECODER_FAILED or
   * SHUTTING_DOWN.
   */
  decode(bytes: Uint8Array): Promise<Pixels | "crashed" | "killed">;
  /** False once the process has ended, or its memory has grown so much that a fresh one is better. */
  isUsable(): boolean;
  kill(): void;
}

/** A reply, what it was given up for, or how the process ended. */
type Outcome = DecoderReply | EncoderError | "crashed" | "killed";

export function startDecoderProcess(options: DecoderProcessOptions): DecoderProcess {
  const { coreMsOf = coreMs, openFile = openSharedFile } = options;
  const sharedFile = openFile();
  const child = forkOrClose(options, sharedFile);
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
    const onEnd = (_code: unknown, signal?: unknown) => {
      sharedFile?.close();
      const by = signal === "SIGKILL" ? "killed" : "crashed";
      end(by, by);
      resolve(reason);
    };
    child.on("exit", onEnd);
    child.on("error", onEnd);
  });
  let coreMsBefore = 0; // used up to its last reply
  child.on("message", (reply: DecoderReply) => {
    coreMsBefore = reply.coreMs;
    settle?.(reply);
  });

  const startTimer = setTimeout(() => end("crashed", "hung"), startTimeoutMs);
  const ready = nextOutcome().then((outcome) => {
    clearTimeout(startTimer);
    if (usable) holdParent(child, false); // else its exit is being waited for
    return typeof outcome === "object" && "kind" in outcome && outcome.kind === "ready";
  });

  /** Gives what the process has made, or undefined if that is not what it should be. */
  function dataOf(result: DecoderResult): Uint8Array | undefined {
    const { webpWidth, spec, pixelMemory } = options;
    const length = result instanceof Uint8Array ? result.length : result;
    const isWhole = webpWidth === undefined ? length === pixelBytes(spec.size) : length >= 0 && length <= mostWebpBytes;
    if (!Number.isSafeInteger(length) || !isWhole) return undefined;
    if (result instanceof Uint8Array) return result;
    const data = webpWidth === undefined && pixelMemory ? pixelMemory.take() : new Uint8Array(length);
    return sharedFile?.fill(data) ? data : undefined;
  }

  function outcomeOf(bytes: Uint8Array): Promise<Outcome> {
    holdParent(child, true);
    const outcome = nextOutcome();
    send(child, bytes, () => usable).catch((error) => end(toEncoderError(error), "crashed")); // half of it was sent
    const timer = setTimeout(() => {
      end(timedOut(options.decodeTimeoutMs, coreMsOf(child.pid) - coreMsBefore), "hung");
    }, options.decodeTimeoutMs);
    return outcome.finally(() => {
      clearTimeout(timer);
      if (usable) holdParent(child, false);
    });
  }

  return {
    ready,
    exited,
    async decode(bytes) {
      if (!usable) return "crashed";
      const outcome = await outcomeOf(bytes);
      if (typeof outcome === "string") return outcome;
      if (outcome instanceof EncoderError) throw outcome;
      if (outcome.memoryBytes > Math.min(recycleBytes, options.maxDecoderBytes)) end("killed", "grown");
      if (outcome.kind === "ready") return "crashed"; // which it says once, at its start
      if (outcome.kind === "failure") {
        throw new EncoderError(outcome.code, outcome.message, { internal: outcome.internal });
      }
      const data = dataOf(outcome.result);
      if (!data) {
        end("crashed", "crashed"); // nothing that it says can be relied on
        return "crashed";
      }
      return { data, size: options.spec.size, incomplete: outcome.incomplete };
    },
    isUsable: () => usable,
    kill() {
      holdParent(child, true); // until "exit" was heard
      end(shuttingDown());
    },
  };
}

/** Without memory for another process, Node.js throws. */
function forkOrClose(options: DecoderProcessOptions, sharedFile: SharedFile | undefined): ChildProcess {
  try {
    return forkDecoder(options, sharedFile);
  } catch (error) {
    sharedFile?.close();
    throw error;
  }
}

function forkDecoder(options: DecoderProcessOptions, sharedFile: SharedFile | undefined): ChildProcess {
  const script = entryBeside(import.meta.url, "decoder-main").process;
  const child = fork(script.path, [JSON.stringify({ ...options, sharesFile: sharedFile !== undefined }, needed)], {
    execArgv: [...execArgv, ...script.execArgv],
    env,
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc", sharedFile?.descriptor ?? "ignore"],
  });
  // One that could not be started has no pid, which "error" reports.
  if (options.isBackground && child.pid !== undefined) giveWay(child.pid, stepsOfBackground);
  return child;
}

/** Sends one portion when the one before is written: serialising new memory of 15 MB would take 11 ms. */
async function send(child: ChildProcess, bytes: Uint8Array, isUsable: () => boolean): Promise<void> {
  for (let from = 0; from === 0 || (isUsable() && from < bytes.length); from += bytesPerPortion) {
    const portion = bytes.subarray(from, from + bytesPerPortion);
    const message: ImagePortion = { bytes: portion, bytesLeft: bytes.length - from - portion.length };
    // A failure to send is a death, which "exit" reports.
    await new Promise<void>((resolve) => child.send(message, () => resolve()));
  }
}

/** Only work keeps the parent running, not a process that waits for some. */
function holdParent(child: ChildProcess, hold: boolean): void {
  const change = hold ? "ref" : "unref";
  child[change]();
  child.channel?.[change]();
}

/** Reads how long a process has used a core, in milliseconds and steps of 10; NaN means that nobody tells. */
function coreMs(pid: number | undefined): number {
  const [user, system] = processStat(pid).slice(11, 13); // fields 14 and 15, in ticks of 10 ms
  return 10 * (Number(user) + Number(system));
}

/** Blames an image that is hard to decode; one whose decoder was kept waiting deserves another try. */
function timedOut(timeoutMs: number, ranMs: number): EncoderError {
  const message = `Decoding the image took longer than ${timeoutMs} ms.`;
  if (ranMs < timeoutMs * leastCoreShare) {
    const busy = `${message} The machine was busy with other work; try again.`;
    return new EncoderError("DECODER_FAILED", busy, { retryAfterSeconds, internal: `${ranMs} ms of a core` });
  }
  return new EncoderError("IMAGE_DECODE_TIMEOUT", message);
}
