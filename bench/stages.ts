/**
 * npm run bench:stages: where the milliseconds of one request go. The service runs in this process on the full-size pair at
 * int8, its client in a thread of its own, one request after another. `Server-Timing` tells the stages; what is left of the
 * client's time is HTTP, JSON, base64, hashing and printing. The longest turn of the service's event loop tells what a request
 * does to all the others. Writes bench/results/stages.json and the table in docs/performance.md. A minute.
 */
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import sharp from "sharp";
import { configWith } from "../src/config.ts";
import { createEncoder } from "../src/encoder.ts";
import { createMetrics } from "../src/metrics.ts";
import { createApp } from "../src/server/app.ts";
import { defaultWork, fullSizeModels } from "./full-size-models.ts";
import { imageBodies, jpeg, textBodies } from "./http/inputs.ts";
import { spread } from "./http/load.ts";
import { machine, writeSection } from "./report.ts";

const { values: flags } = parseArgs({
  options: { times: { type: "string", default: "30" }, work: { type: "string", default: defaultWork } },
});

const text = textBodies();
const sentence = () => JSON.parse(text()).text as string; // as textBodies writes it
const images = await imageBodies(50);
const large = await jpeg({ seed: 7, width: 4000, height: 3000 });
let unlike = 0;
/** Bytes behind a picture's end, which no decoder reads, make it another picture for whoever looks at its hash. */
const another = (picture: Buffer) => Buffer.concat([picture, Buffer.from(String(unlike++))]).toString("base64");
const noise = Buffer.from(Uint8Array.from({ length: 3000 * 1700 * 3 }, (_, at) => ((at * 2654435761) >>> 24) & 255));
const heavy = await sharp(noise, { raw: { width: 3000, height: 1700, channels: 3 } })
  .png({ compressionLevel: 0 })
  .toBuffer();

const requests: Record<string, { path: string; body: () => string; times?: number }> = {
  "a text of eight words": { path: "/encode_text", body: text },
  "a text of 1 MB": {
    path: "/encode_text",
    body: () => JSON.stringify({ text: `a red bicycle ${unlike++} `.repeat(40_000) }),
  },
  "32 texts": { path: "/encode_text", body: () => JSON.stringify({ texts: Array.from({ length: 32 }, sentence) }) },
  "2,000 texts": {
    path: "/encode_text",
    body: () => JSON.stringify({ texts: Array.from({ length: 2000 }, sentence) }),
    times: 3,
  },
  "a 640x480 JPEG": { path: "/encode_image", body: images },
  "a 12-megapixel JPEG": { path: "/encode_image", body: () => JSON.stringify({ image_b64: another(large) }) },
  "a 15 MB PNG": { path: "/encode_image", body: () => JSON.stringify({ image_b64: another(heavy) }), times: 8 },
};

const { int8 } = await fullSizeModels(flags.work);
const config = configWith({ model: int8, requestTimeoutMs: 120_000 });
const metrics = createMetrics();
const encoder = await createEncoder(config, metrics.observer);
const app = createApp({ encoder, config, metrics, version: "bench" });
const url = await app.listen({ host: "127.0.0.1", port: 0 });
const client = new Worker(new URL("./stages-client.mjs", import.meta.url));

interface Answer {
  totalMs: number;
  /** Server-Timing, by stage. */
  stages: Record<string, number>;
  /** Of the service's event loop. */
  longestTurnMs: number;
}

async function ask(question: { url: string; body: string }): Promise<Answer> {
  client.postMessage(question);
  await once(client, "message"); // it has the body, whose handing over is no work of a service
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  client.postMessage("go");
  const [answer] = await once(client, "message");
  delay.disable();
  return { ...answer, longestTurnMs: delay.max / 1e6 };
}

const stages = ["decode", "tokenize", "queue", "inference"] as const;
const figures: Record<string, Record<string, number>> = {};
for (const [name, { path, body, times = Number(flags.times) }] of Object.entries(requests)) {
  const answers: Answer[] = [];
  for (let turn = -2; turn < times; turn++) {
    const answer = await ask({ url: `${url}${path}`, body: body() });
    if (turn >= 0) answers.push(answer);
  }
  const median = (of: (answer: Answer) => number) => spread(answers.map(of)).median;
  const spent = Object.fromEntries(stages.map((stage) => [stage, median(({ stages }) => stages[stage] ?? 0)]));
  const total = median(({ totalMs }) => totalMs);
  const rest = total - Object.values(spent).reduce((sum, ms) => sum + ms, 0);
  figures[name] = { total, ...spent, rest, "longest turn": median(({ longestTurnMs }) => longestTurnMs) };
  console.log(name, figures[name]);
}
await client.terminate();
await app.close();
await encoder.close();

const report = { date: new Date().toISOString(), machine: machine(), figures };
const out = resolve(import.meta.dirname, "results");
await mkdir(out, { recursive: true });
await writeFile(join(out, "stages.json"), `${JSON.stringify(report, null, 2)}\n`);
const columns = ["total", ...stages, "rest", "longest turn"];
const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
await writeSection("performance.md", "stages", [
  `${report.date.slice(0, 10)}, ${report.machine}; int8, one request at a time, median milliseconds.`,
  "",
  row(["", ...columns]),
  row(["---", ...columns.map(() => "---")]),
  ...Object.entries(figures).map(([name, of]) => row([name, ...columns.map((column) => of[column]!.toFixed(2))])),
]);
