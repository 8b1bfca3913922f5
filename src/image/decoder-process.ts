import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { compiledEntry } from "../compiled-entry.ts";
import type { Config } from "../config.ts";
import { EncoderError, type ErrorCode } from "../errors.ts";
import type { PixelSpec, Pixels } from "./pixels.ts";

export interface DecoderProcessOptions extends Pick<Config, "maxImagePixels" | "decodeTimeoutMs" | "maxDecoderBytes"> {
  spec: PixelSpec;
}

export type DecoderReply =
  | { kind: "ready" }
  | { kind: "pixels"; data: Uint8Array; memoryBytes: number }
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
  exited: Promise<void>;
  /**
   * One image at a time. A process that hangs is killed.
   * @throws EncoderError IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_UNREADABLE or IMAGE_DECODE_TIMEOUT.
   */
  decode(bytes: Uint8Array): Promise<Pixels>;
  /** False after a death or a kill, and when its memory has grown so much that a fresh process is better. */
  isUsable(): boolean;
  kill(): void;
}

export function startDecoderProcess(options: DecoderProcessOptions): DecoderProcess {
  const child = fork(fileURLToPath(compiledEntry(import.meta.url, "./decoder-main.js")), [argument(options)], {
    execArgv,
    env,
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  let usable = true;
  let pending: { resolve: (reply: DecoderReply) => void; reject: (error: EncoderError) => void } | undefined;

  const nextReply = () =>
    new Promise<DecoderReply>((resolve, reject) => {
      pending = { resolve, reject };
    });
  const die = (error: EncoderError) => {
    usable = false;
    child.kill("SIGKILL");
    pending?.reject(error);
  };
  const exited = new Promise<void>((resolve) => {
    child.on("error", (error) => {
      die(crashed(error.message)); // could not be started
      resolve();
    });
    child.on("exit", (code, signal) => {
      die(crashed(`the decoder ended with ${signal ?? `code ${code}`}`));
      resolve();
    });
  });
  child.on("message", (reply: DecoderReply) => pending?.resolve(reply));

  const startTimer = setTimeout(() => die(crashed("not ready in time")), startTimeoutMs);
  const ready = nextReply()
    .then(
      () => true,
      () => false,
    )
    .finally(() => {
      clearTimeout(startTimer);
      holdParent(child, false);
    });

  return {
    ready,
    exited,
    async decode(bytes) {
      if (!usable) throw crashed("the decoder is gone");
      holdParent(child, true);
      const answer = nextReply();
      child.send(bytes, () => {}); // a failure to send is a death, which "exit" reports
      const timer = setTimeout(() => die(timedOut(options.decodeTimeoutMs)), options.decodeTimeoutMs);
      try {
        const reply = await answer;
        if (reply.kind === "ready") throw crashed("an unexpected message");
        if (reply.memoryBytes > recycleBytes) die(crashed("grown too large"));
        if (reply.kind === "pixels") return { data: reply.data, size: options.spec.size };
        throw new EncoderError(reply.code, reply.message, { internal: reply.internal });
      } finally {
        clearTimeout(timer);
        pending = undefined;
        holdParent(child, false);
      }
    },
    isUsable: () => usable,
    kill() {
      holdParent(child, true); // until "exit" was heard
      die(new EncoderError("SHUTTING_DOWN", "The service is stopping."));
    },
  };
}

/** Command lines are public on a machine: what is not needed stays out, whatever else `options` may hold. */
function argument({ spec, maxImagePixels, maxDecoderBytes, decodeTimeoutMs }: DecoderProcessOptions): string {
  const { size, resize, background } = spec;
  const needed: DecoderProcessOptions = {
    spec: { size, resize, background },
    maxImagePixels,
    maxDecoderBytes,
    decodeTimeoutMs,
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

function crashed(internal: string): EncoderError {
  return new EncoderError("IMAGE_UNREADABLE", "The image could not be decoded.", { internal });
}

function timedOut(timeoutMs: number): EncoderError {
  return new EncoderError("IMAGE_DECODE_TIMEOUT", `Decoding the image took longer than ${timeoutMs} ms.`);
}
