import { encoderSettings } from "../config/encoder.ts";
import { integer } from "../config/setting.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { machineSummary } from "../host/processor.ts";
import { command } from "./command.ts";
import { readPicture } from "./read-picture.ts";

const { model, modelsDir, device, threads, replicas, decodeProcesses, maxImageBatch, maxTextBatch } = encoderSettings;

/** Measures the encoder in this process, without HTTP. */
export const bench = command({
  summary: "Measure a model on this machine",
  operands: "[PICTURE…]",
  settings: {
    model,
    modelsDir,
    device,
    threads,
    replicas,
    decodeProcesses,
    maxImageBatch,
    maxTextBatch,
    seconds: integer(1, 3600, {
      default: 5,
      help: "How long each figure is measured.",
      why: "Some hundred runs of the full-size model; longer evens out a busy machine.",
    }),
  },
  async run({ values, operands, signal }) {
    const { seconds, ...options } = values;
    const pictures = operands.length > 0 ? await Promise.all(operands.map(readPicture)) : generatedPictures();
    const startedAt = performance.now();
    const onDeviceFallback = (reason: string) => print(`no GPU can be used: ${reason}`);
    const encoder = await createEncoder(options, { onDeviceFallback }, { signal });
    try {
      const image: Work = (turn) => {
        // Bytes behind the end, which no decoder reads, change the hash, so that no two calls share their work.
        const picture = Buffer.concat([pictures[turn % pictures.length]!, Buffer.from(String(turn))]);
        return encoder.encodeImages([picture], { signal });
      };
      const text: Work = (turn) => encoder.encodeTexts([`a red bicycle leaning against old wall ${turn}`], { signal });
      await Promise.all([image(0), text(0)]);
      const { name, image: imageTower, text: textTower } = encoder.manifest;
      const { used } = encoder.device;
      print(`${name}, images ${imageTower.precision}, texts ${textTower.precision}, on ${used}; ${machineSummary()}`);
      print(`first vectors after ${milliseconds(performance.now() - startedAt)}`);
      print(operands.length > 0 ? `${operands.length} pictures given` : "pictures: generated bitmaps of 640x480");
      const crowds = used === "cuda" ? { images: 256, texts: 256 } : { images: 32, texts: 64 }; // enough for full batches
      for (const [what, work] of Object.entries({ images: image, texts: text })) {
        const together = crowds[what as keyof typeof crowds]; // which has the same keys
        const alone = await measure(work, 1, seconds, signal);
        const crowd = await measure(work, together, seconds, signal);
        print(`${what}, one at a time: ${alone.latency}`);
        print(`${what}, ${together} at a time: ${crowd.perSecond.toFixed(1)}/s`);
      }
    } finally {
      await encoder.close();
    }
  },
});

type Work = (turn: number) => Promise<unknown>;

/** Keeps `together` calls in flight: each lane starts its next call when it has its answer. */
async function measure(work: Work, together: number, seconds: number, signal: AbortSignal) {
  const latencies: number[] = [];
  const startedAt = performance.now();
  let turn = 1;
  const lane = async () => {
    while (performance.now() - startedAt < seconds * 1000) {
      signal.throwIfAborted();
      const from = performance.now();
      await work(turn++);
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: together }, lane));
  const perSecond = latencies.length / ((performance.now() - startedAt) / 1000);
  latencies.sort((a, b) => a - b);
  const at = (share: number) => milliseconds(latencies[Math.floor(share * (latencies.length - 1))]!);
  return { perSecond, latency: `p50 ${at(0.5)}, p99 ${at(0.99)}` };
}

/** Makes uncompressed bitmaps (BMP, 24 bits) of a moving gradient. */
function generatedPictures(): Uint8Array[] {
  const [width, height, offset] = [640, 480, 54];
  return Array.from({ length: 8 }, (_, seed) => {
    const file = Buffer.alloc(offset + width * height * 3);
    file.write("BM");
    file.writeUInt32LE(offset, 10);
    file.writeUInt32LE(40, 14);
    file.writeInt32LE(width, 18);
    file.writeInt32LE(height, 22);
    file.writeUInt16LE(1, 26);
    file.writeUInt16LE(24, 28);
    for (let i = offset; i < file.length; i++) file[i] = (i * (seed + 3)) >> 5;
    return file;
  });
}

const print = (line: string) => process.stdout.write(`${line}\n`);
const milliseconds = (ms: number) => `${ms.toPrecision(3)} ms`;
