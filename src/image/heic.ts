import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { EncoderError } from "../errors.ts";
import { entryBeside } from "../host/entry.ts";
import { createLanes } from "../scheduling/lanes.ts";
import { unpremultiply } from "./colour.ts";
import { endsEarly } from "./heif-boxes.ts";
import type { Samples } from "./raster.ts";
import { requirePixelsWithin } from "./vips.ts";

export interface HeicRequest {
  file: Uint8Array;
  maxImagePixels: number;
  wantsAlpha: boolean;
}

export type HeicReply =
  | { kind: "pixels"; samples: Samples; isPremultiplied: boolean; heapBytes: number }
  | { kind: "too large"; width: number; height: number }
  | { kind: "failure"; internal: string };

/**
 * Reads the primary picture of a HEIC or HEIF file, upright: libheif turns and crops it as the file says, and ignores
 * EXIF, which repeats that. It gives R G B, or R G B A where there is alpha and it is wanted.
 * @throws EncoderError IMAGE_TOO_LARGE or IMAGE_UNREADABLE.
 */
export type HeicReader = (request: HeicRequest) => Promise<Samples>;

/**
 * A thread whose WebAssembly memory has grown beyond this is ended, as it never shrinks; telephones' pictures do that.
 */
const mostKeptHeapBytes = 64 * 1024 * 1024;

/** Starts no thread before the first file. An idle thread does not keep the process running. */
export function createHeicReader(): HeicReader {
  const lane = createLanes({ lanes: 1 });
  let thread: Worker | undefined;
  return (request) =>
    lane.run(async () => {
      if (endsEarly(request.file)) throw unreadable("a box reaches beyond the file");
      thread ??= new Worker(entryBeside(import.meta.url, "heic-thread").thread);
      const reply = await ask(thread, request);
      if (reply.kind !== "pixels" || reply.heapBytes > mostKeptHeapBytes) {
        await thread.terminate();
        thread = undefined;
      }
      if (reply.kind === "too large") requirePixelsWithin(request.maxImagePixels, reply);
      if (reply.kind !== "pixels") throw unreadable(reply.kind === "failure" ? reply.internal : reply.kind);
      if (reply.isPremultiplied && reply.samples.channels === 4) unpremultiply(reply.samples);
      return reply.samples;
    });
}

/** A thread that dies, for example by a trap in WebAssembly, is a failure of its file. */
async function ask(thread: Worker, request: HeicRequest): Promise<HeicReply> {
  const heard = new AbortController();
  const { signal } = heard;
  const exit = once(thread, "exit", { signal }).then(() => [{ kind: "failure", internal: "its thread ended" }]);
  thread.ref();
  try {
    const message = once(thread, "message", { signal }); // an error event rejects it
    thread.postMessage(request);
    const [reply] = await Promise.race([message, exit]);
    return reply as HeicReply; // heic-thread.ts sends no other
  } catch (cause) {
    return { kind: "failure", internal: String(cause) };
  } finally {
    thread.unref();
    exit.catch(() => {});
    heard.abort();
  }
}

function unreadable(internal: string): EncoderError {
  const message = "The HEIC image is truncated, corrupt, or not compressed with HEVC.";
  return new EncoderError("IMAGE_UNREADABLE", message, { internal });
}
