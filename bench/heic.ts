/**
 * `npm run bench:heic` decodes a HEIC picture of 12 megapixels, built as iPhones build them (48 tiles of 512 x 512, turned by
 * a quarter), in a decoder process, as the service does. It prints the median and the slowest of the times.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { serviceSettings } from "../src/config/service.ts";
import { settingsWith } from "../src/config/setting.ts";
import { createDecoder } from "../src/image/decoder.ts";
import { machine } from "./report.ts";

const { values: flags } = parseArgs({ options: { times: { type: "string", default: "9" } } });
const picture = readFileSync(resolve(import.meta.dirname, "iphone.heic"));
const spec = { size: 224, resize: 224, background: null };
const decoder = createDecoder({
  ...settingsWith(serviceSettings, { decodeTimeoutMs: 60_000 }),
  decodeProcesses: 1,
  spec,
});
await decoder.decode(readFileSync(resolve(import.meta.dirname, "../test/fixtures/images/icc.jpg"))); // the process is there
const times: number[] = [];
for (let i = 0; i < Number(flags.times); i++) {
  const startedAt = performance.now();
  await decoder.decode(picture);
  times.push(performance.now() - startedAt);
}
await decoder.close();
times.sort((a, b) => a - b);
const [median, slowest] = [times[Math.floor(times.length / 2)]!, times.at(-1)!];
console.log(`${machine()}: HEIC of 12 megapixels, p50 ${median.toFixed(0)} ms, slowest ${slowest.toFixed(0)} ms`);
