/**
 * npm run bench: the service over HTTP on a full-size pair with random weights (speed does not depend on weights), both
 * precisions in turn, several rounds. Writes bench/results/http.json and the table in docs/performance.md.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openModel } from "../src/models/model-folder.ts";
import { defaultWork, fullSizeModels, type Precision, precisions } from "./full-size-models.ts";
import { imageBodies, textBodies } from "./http/inputs.ts";
import { load, type Spread, spread } from "./http/load.ts";
import { startService } from "./http/service.ts";
import { machine, writeSection } from "./report.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "6" },
    requests: { type: "string", default: "10000" },
    work: { type: "string", default: defaultWork },
  },
});
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);

type Figures = Record<string, number>;

/** One round on one precision; a fresh process each time. */
async function measure(model: string): Promise<Figures> {
  const service = await startService(model);
  const images = await imageBodies(200);
  const texts = textBodies();
  const { url } = service;
  const image = { url, path: "/encode_image", body: images };
  const text = { url, path: "/encode_text", body: texts };
  try {
    await load({ ...image, connections: 16, seconds: 2 });
    await load({ ...text, connections: 32, seconds: 1 });
    const imageLoad = load({ ...image, connections: 16, seconds });
    const health = await load({ url, path: "/health", connections: 1, seconds });
    const imageRate = await imageLoad;
    const imageAlone = await load({ ...image, connections: 1, seconds });
    const textRate = await load({ ...text, connections: 32, seconds });
    const textAlone = await load({ ...text, connections: 1, seconds });
    return {
      "images/s": imageRate.rate,
      "image p50 ms": imageAlone.p50Ms,
      "image p99 ms": imageAlone.p99Ms,
      "texts/s": textRate.rate,
      "text p50 ms": textAlone.p50Ms,
      "text p99 ms": textAlone.p99Ms,
      "health p99 ms": health.p99Ms,
      "cold start ms": service.coldStartMs,
      failures: imageRate.failures + imageAlone.failures + textRate.failures + textAlone.failures + health.failures,
    };
  } finally {
    await service.stop();
  }
}

/** Resident memory after half and after all of the mixed requests (four texts to an image). */
async function memory(model: string, requests: number): Promise<Figures> {
  const service = await startService(model);
  const images = await imageBodies(200);
  const texts = textBodies();
  const send = async (path: string, body: string) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${service.url}${path}`, { method: "POST", headers, body });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    await response.arrayBuffer();
  };
  let sent = 0;
  const until = async (count: number) => {
    const lane = async () => {
      while (sent < count) await (sent++ % 5 === 0 ? send("/encode_image", images()) : send("/encode_text", texts()));
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    return service.residentBytes() / 2 ** 20;
  };
  try {
    return { "MiB after half": await until(requests / 2), "MiB after all": await until(requests) };
  } finally {
    await service.stop();
  }
}

const folders = await fullSizeModels(flags.work);
const results: Record<Precision, Figures[]> = { fp32: [], int8: [] };
for (let round = 0; round < rounds; round++) {
  for (const precision of precisions) {
    console.log(`round ${round + 1} of ${rounds}, ${precision}`);
    results[precision].push(await measure(folders[precision]));
    console.log(results[precision].at(-1));
  }
}
const resident = {
  fp32: await memory(folders.fp32, Number(flags.requests)),
  int8: await memory(folders.int8, Number(flags.requests)),
};
console.log(resident);

const spreadOf = (precision: Precision, name: string) => spread(results[precision].map((figures) => figures[name]!));
const names = Object.keys(results.fp32[0]!);
const { text, image } = (await openModel(folders.int8)).manifest;
const report = {
  date: new Date().toISOString(),
  machine: machine(),
  rounds,
  seconds,
  figures: Object.fromEntries(precisions.map((p) => [p, Object.fromEntries(names.map((n) => [n, spreadOf(p, n)]))])),
  resident,
  fidelity: { image: image.fidelity, text: text.fidelity },
};
const out = resolve(import.meta.dirname, "results");
await mkdir(out, { recursive: true });
await writeFile(join(out, "http.json"), `${JSON.stringify(report, null, 2)}\n`);

const show = ({ median, min, max }: Spread) => `${short(median)} (${short(min)}–${short(max)})`;
const short = (value: number) => value.toPrecision(3).replace(/\.?0+$/, "");
const ratio = (name: string) => short(spreadOf("int8", name).median / spreadOf("fp32", name).median);
const rows = names.map((n) => `| ${n} | ${show(spreadOf("fp32", n))} | ${show(spreadOf("int8", n))} | ${ratio(n)} |`);
const memoryRows = (["MiB after half", "MiB after all"] as const).map(
  (n) =>
    `| resident ${n} of ${flags.requests} mixed requests | ${short(resident.fp32[n]!)} | ${short(resident.int8[n]!)} | |`,
);
await writeSection("performance.md", "http", [
  `${report.date.slice(0, 10)}, ${report.machine}; ${rounds} rounds of ${seconds} s per figure; median (lowest–highest).`,
  "",
  "| figure | fp32 | int8 | int8 / fp32 |",
  "|---|---|---|---|",
  ...rows,
  ...memoryRows,
]);
