/**
 * npm run bench:wait: 200 and then 2,000 single images at once, each call with `wait: true`, in the embedded model. It prints
 * the memory that this process holds , the 60 kB of each image included: what waits is not decoded.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createEncoder } from "../src/index.ts";
import { jpeg } from "./http/inputs.ts";
import { machine } from "./report.ts";

const encoder = await createEncoder();
const picture = await jpeg({ seed: 1, width: 640, height: 480 });
let made = 0;
const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

console.log(machine());
await encodeAtOnce(16); // warms everything up
for (const count of [200, 2000]) {
  global.gc?.();
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 10);
  const startedAt = performance.now();
  const vectors = await encodeAtOnce(count);
  clearInterval(watch);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(
    `${count} images at once: ${vectors} vectors in ${seconds} s, peak ${megabytes(peak - before)} above before`,
  );
  await sleep(500);
}
await encoder.close();

/** Every image is another one: bytes behind a JPEG's end change nothing but its hash. */
async function encodeAtOnce(count: number): Promise<number> {
  const calls = Array.from({ length: count }, () =>
    encoder.encodeImages([Buffer.concat([picture, Buffer.from(`${made++}`)])], { wait: true }),
  );
  return (await Promise.all(calls)).length;
}
