import { type Encode, newTally } from "../bulk/run.ts";
import type { Source } from "../bulk/sources/source.ts";
import { count, duration } from "./progress-text.ts";

export interface DryRun {
  source: Source;
  encode: Encode;
  signal: AbortSignal;
  print(line: string): void;
}

/** Takes enough inputs for two batches. */
const sampleSize = 48;

/** Counts the inputs, encodes the first ones to see how fast that goes, and writes nothing. */
export async function dryRun({ source, encode, signal, print }: DryRun): Promise<number> {
  const total = { items: 0, bytes: 0 };
  const isAll = await source.count(signal, (items, bytes) => {
    total.items += items;
    total.bytes += bytes;
  });
  const { done, ms } = await encodeSample(source, encode, signal);
  signal.throwIfAborted();
  const size = total.bytes > 0 ? `, ${count(Math.ceil(total.bytes / 1e6))} MB` : "";
  const rate = done / (ms / 1000);
  const estimate = done === 0 ? "none of the first could be encoded" : `${rate.toFixed(1)}/s on this machine`;
  const time = done > 0 && isAll ? `, so about ${duration(total.items / rate)}` : "";
  print(`${isAll ? "" : "at least "}${count(total.items)} inputs${size}; ${estimate}${time}`);
  return 0;
}

async function encodeSample(source: Source, encode: Encode, signal: AbortSignal) {
  const tally = newTally();
  const startedAt = performance.now();
  const running: Promise<void>[] = [];
  for await (const item of source.items()) {
    const one = async () => {
      const { input, release } = await item.load(signal);
      await encode(input, { signal }).finally(release);
      tally.encoded++;
    };
    running.push(one().catch(() => {})); // the real run tells what fails
    if (running.length === sampleSize) break;
  }
  await Promise.all(running);
  return { done: tally.encoded, ms: performance.now() - startedAt };
}
