/**
 * Runs as a decoder process, which takes one encoded image at a time, and answers with pixels or a failure. It ends with
 * its parent, and only then: signals sent to the whole group are for the parent, who lets running requests finish.
 */
import { writeFileSync } from "node:fs";
import { toEncoderError } from "../errors.ts";
import type { DecoderProcessOptions, DecoderReply, ImagePortion, ProcessUsage } from "./decoder-process.ts";
import { createPreprocessor } from "./preprocess.ts";
import { sharedDescriptor, writeShared } from "./shared-file.ts";
import { configureDecoder } from "./vips.ts";
import { createWebpMaker } from "./webp.ts";

const memoryCheckMs = 20;

/** Once pictures that are done with hold this many bytes, all objects are looked at, which takes 4 ms. */
const mostUncollectedBytes = 4 * 1024 * 1024;

const options = JSON.parse(process.argv[2]!) as DecoderProcessOptions; // written by decoder-process.ts
const { spec, maxDecoderBytes, webpWidth, sharesFile } = options;
const preprocess = webpWidth === undefined ? createPreprocessor(spec, options) : createWebpMaker(webpWidth, options);

/** process.exit() would wait for the image that is being decoded. */
const end = () => process.kill(process.pid, "SIGKILL");
const reply = (message: DecoderReply, sent?: () => void) => process.send!(message, undefined, undefined, sent);

process.on("disconnect", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

preferAsVictim();
configureDecoder();

let portions: Uint8Array[] = [];
process.on("message", async ({ bytes: portion, bytesLeft }: ImagePortion) => {
  portions.push(portion);
  if (bytesLeft > 0) return;
  const bytes = portions.length === 1 ? portion : Buffer.concat(portions);
  portions = [];
  const watch = setInterval(refuseGreed, memoryCheckMs);
  try {
    const { data, incomplete = false } = await preprocess(bytes);
    const result = sharesFile && writeShared(sharedDescriptor, data) ? data.length : data;
    reply({ kind: "pixels", result, incomplete, ...usage() });
  } catch (error) {
    const { code, message, internal } = toEncoderError(error);
    reply({ kind: "failure", code, message, internal, ...usage() });
  } finally {
    clearInterval(watch);
    collect();
  }
});

function usage(): ProcessUsage {
  const { user, system } = process.cpuUsage(); // microseconds
  return { memoryBytes: process.memoryUsage.rss(), coreMs: (user + system) / 1000 };
}

let leastOutside = process.memoryUsage().external;

/**
 * V8 sees small objects of JavaScript in what are pictures outside of its heap: by itself it lets 70 MB of them pile up.
 * Looking at new objects alone takes 0.2 ms and gives back nearly all. The rest is given back beside this thread, so that
 * it counts for a while after all were looked at.
 */
function collect(): void {
  if (outside() < leastOutside + mostUncollectedBytes / 2) return;
  globalThis.gc!({ type: "minor" }); // the process is started with --expose-gc
  if (outside() < leastOutside + mostUncollectedBytes) return;
  globalThis.gc!();
  leastOutside = outside();
}

function outside(): number {
  const { external } = process.memoryUsage();
  leastOutside = Math.min(leastOutside, external);
  return external;
}

/** libvips decodes in a thread, so this thread can still look; what it took, only the end of the process gives back. */
function refuseGreed(): void {
  if (process.memoryUsage.rss() <= maxDecoderBytes) return;
  const message = "Decoding the image takes more memory than the limits allow.";
  reply({ kind: "failure", code: "IMAGE_TOO_LARGE", message, internal: undefined, ...usage() }, end);
}

/** Where memory runs out all the same, Linux ends a decoder rather than the service. */
function preferAsVictim(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // On another system, or where that is not allowed, the kernel chooses.
  }
}

reply({ kind: "ready", ...usage() });
