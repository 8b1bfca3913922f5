/**
 * `npm run bench:stages` shows where the milliseconds of one request go. The service runs in this process on the
 * full-size pair at int8, its client in a thread of its own, one request after another. `Server-Timing` tells the
 * stages; what is left of the client's time is HTTP, JSON, base64, hashing and printing. The longest turn of the
 * service's event loop tells what a request does to all the others, and a process that has nothing to do tells how much
 * of it is the machine's. What the event loop did for a request is told for each of its items. It writes stages.json
 * into bench/results/ and the table of this machine's class in docs/performance.md. It takes three minutes;
 * `--only TEXT` measures the rows whose names have that text, and keeps the others.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import sharp from "sharp";
import { encoderSettings } from "../src/config/encoder.ts";
import { serviceSettings } from "../src/config/service.ts";
import { pickSettings, settingsWith } from "../src/config/setting.ts";
import { createEncoder } from "../src/encoder/encoder.ts";
import { createMetrics } from "../src/metrics.ts";
import { createApp } from "../src/server/app.ts";
import { defaultWork, fullSizeModels } from "./full-size-models.ts";
import { imageBodies, jpeg, textBodies } from "./http/inputs.ts";
import { machine, readResults, table, writeResults, writeSection } from "./report.ts";
import { type Spread, spread, spreadCell } from "./spread.ts";

const { values: flags } = parseArgs({
  options: {
    times: { type: "string", default: "30" },
    work: { type: "string", default: defaultWork },
    only: { type: "string", default: "" },
  },
});

const text = textBodies();
const sentence = () => JSON.parse(text()).text as string; // textBodies() writes it so
const images = await imageBodies(50);
const large = await jpeg({ seed: 7, width: 4000, height: 3000 });
let unlike = 0;
/** Appends bytes that no decoder reads, so that the picture has another hash. */
const another = (picture: Buffer) => Buffer.concat([picture, Buffer.from(String(unlike++))]).toString("base64");
const noise = Buffer.from(Uint8Array.from({ length: 3000 * 1700 * 3 }, (_, at) => ((at * 2654435761) >>> 24) & 255));
const heavy = await sharp(noise, { raw: { width: 3000, height: 1700, channels: 3 } })
  .png({ compressionLevel: 0 })
  .toBuffer();

const requests: Record<string, { path: string; body: () => string; times?: number; items?: number }> = {
  "a text of eight words": { path: "/encode_text", body: text },
  "the same text as base64, by OpenAI's route": {
    path: "/v1/embeddings",
    body: () => JSON.stringify({ input: sentence(), encoding_format: "base64" }),
  },
  "a text of 1 MB": {
    path: "/encode_text",
    body: () => JSON.stringify({ text: `a red bicycle ${unlike++} `.repeat(40_000) }),
  },
  "32 texts": {
    path: "/encode_text",
    body: () => JSON.stringify({ texts: Array.from({ length: 32 }, sentence) }),
    items: 32,
  },
  "2,000 texts": {
    path: "/encode_text",
    body: () => JSON.stringify({ texts: Array.from({ length: 2000 }, sentence) }),
    times: 3,
    items: 2000,
  },
  "2,000 texts as base64": {
    path: "/v1/embeddings",
    body: () => JSON.stringify({ input: Array.from({ length: 2000 }, sentence), encoding_format: "base64" }),
    times: 3,
    items: 2000,
  },
  "a 640x480 JPEG": { path: "/encode_image", body: images },
  "a 12-megapixel JPEG": { path: "/encode_image", body: () => JSON.stringify({ image_b64: another(large) }) },
  "a 15 MB PNG": { path: "/encode_image", body: () => JSON.stringify({ image_b64: another(heavy) }), times: 8 },
};

const { int8 } = await fullSizeModels(flags.work);
const config = settingsWith(serviceSettings, { model: int8, requestTimeoutMs: 120_000 });
const metrics = createMetrics();
const encoder = await createEncoder(pickSettings(encoderSettings, config), metrics.observer);
const app = createApp({ encoder, config, metrics, version: "bench" });
const url = await app.listen({ host: "127.0.0.1", port: 0 });
const client = new Worker(new URL("./stages-client.mjs", import.meta.url));
const idle = fork(new URL("./stages-idle.mjs", import.meta.url));

interface Answer {
  totalMs: number;
  /** Milliseconds of each stage, from Server-Timing. */
  stages: Record<string, number>;
  /** Time that the service's event loop was busy, from the first byte of the request to the last one of the answer. */
  busyMs: number;
  /** The longest turn of the service's event loop. */
  longestTurnMs: number;
  /** The same for a process that did nothing meanwhile. */
  idleTurnMs: number;
}

async function ask(question: { url: string; body: string }): Promise<Answer> {
  client.postMessage(question);
  await once(client, "message"); // the client has the body now: handing it over is no work of a service
  const delay = monitorEventLoopDelay({ resolution: 1 });
  idle.send("begin");
  await once(idle, "message");
  delay.enable();
  const before = performance.eventLoopUtilization();
  client.postMessage("go");
  const [answer] = await once(client, "message");
  const { active: busyMs } = performance.eventLoopUtilization(before);
  delay.disable();
  idle.send("end");
  const [idleTurnMs] = await once(idle, "message");
  return { ...answer, busyMs, longestTurnMs: delay.max / 1e6, idleTurnMs };
}

const stages = ["decode", "tokenize", "queue", "inference"] as const;
type Figures = Record<string, Record<string, Spread>>;
const kept = flags.only === "" ? undefined : await readResults("stages");
const before = kept as { figures: Figures } | undefined; // this file wrote it
const figures: Figures = {};
for (const [name, { path, body, times = Number(flags.times), items = 1 }] of Object.entries(requests)) {
  if (!name.includes(flags.only)) {
    if (before?.figures[name]) figures[name] = before.figures[name];
    continue;
  }
  const answers: Answer[] = [];
  const warmUps = times < 5 ? 0 : 2;
  for (let turn = -warmUps; turn < times; turn++) {
    const answer = await ask({ url: `${url}${path}`, body: body() });
    if (turn >= 0) answers.push(answer);
  }
  const rest = ({ totalMs, stages }: Answer) => totalMs - Object.values(stages).reduce((sum, ms) => sum + ms, 0);
  const columns: [string, (answer: Answer) => number][] = [
    ["total", ({ totalMs }) => totalMs],
    ...stages.map((stage): [string, (answer: Answer) => number] => [stage, (answer) => answer.stages[stage] ?? 0]),
    ["rest", rest],
    ["event loop, per item", ({ busyMs }) => busyMs / items],
    ["longest turn", ({ longestTurnMs }) => longestTurnMs],
    ["of an idle process", ({ idleTurnMs }) => idleTurnMs],
  ];
  figures[name] = Object.fromEntries(columns.map(([column, of]) => [column, spread(answers.map(of))]));
  console.log(name, figures[name]);
}
await client.terminate();
idle.kill();
await app.close();
await encoder.close();

const report = { date: new Date().toISOString(), machine: machine(), figures };
await writeResults("stages", report);
const columns = [...new Set(Object.values(figures).flatMap((of) => Object.keys(of)))];
await writeSection("performance.md", "stages", [
  `${report.date.slice(0, 10)}, ${report.machine}.`,
  "int8, one request at a time; milliseconds, median (lowest–highest).",
  "",
  ...table(
    ["", ...columns],
    Object.entries(figures).map(([name, of]) => [
      name,
      ...columns.map((column) => (of[column] ? spreadCell(of[column]) : "")),
    ]),
  ),
]);
