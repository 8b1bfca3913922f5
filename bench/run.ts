/**
 * npm run bench: the service over HTTP on a full-size pair with random weights (speed does not depend on weights), both
 * precisions in turn, several rounds; with `--peer PYTHON` also sentence-transformers behind Flask on the same weights (PYTHON
 * has bench/peers/requirements.txt installed). Writes bench/results/http.json and the table in docs/performance.md.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeFullSizePair } from "../scripts/make-full-size-pair.ts";
import { openModel } from "../src/models/model-folder.ts";
import { defaultWork, fullSizeModels } from "./full-size-models.ts";
import { imageBodies, textBodies } from "./http/inputs.ts";
import { load, type Spread, spread } from "./http/load.ts";
import { type Service, startPeer, startService } from "./http/service.ts";
import { machine, writeSection } from "./report.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "6" },
    requests: { type: "string", default: "10000" },
    work: { type: "string", default: defaultWork },
    peer: { type: "string" },
  },
});
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);

type Figures = Record<string, number>;

/** One round; a fresh process each time. */
async function measure(service: Service): Promise<Figures> {
  const { url } = service;
  const image = { url, path: "/encode_image", body: await imageBodies(200) };
  const text = { url, path: "/encode_text", body: textBodies() };
  try {
    await load({ ...image, connections: 16, seconds: 2 });
    await load({ ...text, connections: 32, seconds: 1 });
    const imageLoad = load({ ...image, connections: 16, seconds });
    const health = await load({ url, path: "/health", connections: 1, seconds, ratePerSecond: 40 });
    const imageRate = await imageLoad;
    const imageAlone = await load({ ...image, connections: 1, seconds });
    const textRate = await load({ ...text, connections: 32, seconds });
    const textAlone = await load({ ...text, connections: 1, seconds });
    return {
      "images/s, 16 connections": imageRate.rate,
      "image, 1 connection, p50 ms": imageAlone.p50Ms,
      "image, 1 connection, p99 ms": imageAlone.p99Ms,
      "texts/s, 32 connections": textRate.rate,
      "text, 1 connection, p50 ms": textAlone.p50Ms,
      "text, 1 connection, p99 ms": textAlone.p99Ms,
      "GET /health while images are encoded, p99 ms": health.p99Ms,
      "process start to first vectors, ms": service.coldStartMs,
      "answers other than 200": [imageRate, imageAlone, textRate, textAlone, health].reduce(
        (n, it) => n + it.failures,
        0,
      ),
    };
  } finally {
    await service.stop();
  }
}

/** Resident memory, decoders included, after half and after all of the mixed requests (four texts to an image). */
async function memory(service: Service, requests: number): Promise<Figures> {
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
    return {
      [`MiB resident after ${requests / 2} mixed requests`]: await until(requests / 2),
      [`MiB resident after ${requests} mixed requests`]: await until(requests),
    };
  } finally {
    await service.stop();
  }
}

const models = await fullSizeModels(flags.work);
const contenders: Record<string, () => Promise<Service>> = {
  fp32: () => startService(models.fp32),
  int8: () => startService(models.int8),
};
if (flags.peer !== undefined) {
  const pair = await makeFullSizePair(join(flags.work, "pair"));
  contenders["Flask, PyTorch fp32"] = () => startPeer(flags.peer!, pair);
}

const results: Record<string, Figures[]> = {};
for (let round = 0; round < rounds; round++) {
  for (const [name, start] of Object.entries(contenders)) {
    const figures = await measure(await start());
    results[name] = [...(results[name] ?? []), figures];
    console.log(`round ${round + 1} of ${rounds}, ${name}`, figures);
  }
}
const resident: Record<string, Figures> = {};
for (const name of ["fp32", "int8"]) {
  resident[name] = await memory(await contenders[name]!(), Number(flags.requests));
  console.log(name, resident[name]);
}

const names = Object.keys(contenders);
const spreadOf = (name: string, figure: string) => spread(results[name]!.map((figures) => figures[figure]!));
const figureNames = Object.keys(results.fp32![0]!);
const { text, image } = (await openModel(models.int8)).manifest;
const report = {
  date: new Date().toISOString(),
  machine: machine(),
  rounds,
  seconds,
  figures: Object.fromEntries(
    names.map((name) => [name, Object.fromEntries(figureNames.map((figure) => [figure, spreadOf(name, figure)]))]),
  ),
  resident,
  fidelity: { image: image.fidelity, text: text.fidelity },
};
const out = resolve(import.meta.dirname, "results");
await mkdir(out, { recursive: true });
await writeFile(join(out, "http.json"), `${JSON.stringify(report, null, 2)}\n`);

const short = (value: number) => String(Number(value.toPrecision(3)));
const show = ({ median, min, max }: Spread) => `${short(median)} (${short(min)}–${short(max)})`;
const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
await writeSection("performance.md", "http", [
  `${report.date.slice(0, 10)}, ${report.machine}; ${rounds} rounds of ${seconds} s per figure; median (lowest–highest).`,
  "",
  row(["figure", ...names, "int8 / fp32"]),
  row(["---", ...names.map(() => "---"), "---"]),
  ...figureNames.map((figure) => {
    const ratio = spreadOf("int8", figure).median / spreadOf("fp32", figure).median;
    return row([
      figure,
      ...names.map((name) => show(spreadOf(name, figure))),
      Number.isFinite(ratio) ? short(ratio) : "",
    ]);
  }),
  ...Object.keys(resident.fp32!).map((figure) =>
    row([figure, ...names.map((name) => (resident[name] ? short(resident[name][figure]!) : "")), ""]),
  ),
]);
