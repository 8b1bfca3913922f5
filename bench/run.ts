/**
 * `npm run bench` measures the service over HTTP on a full-size pair with random weights (speed does not depend on
 * weights): both precisions, int8 also on one core (with Linux' taskset), and the raw graphs beside them. With `--peer
 * PYTHON` (an interpreter with bench/peers/requirements.txt installed), sentence-transformers and, where it is installed,
 * faster-clip take part behind Flask, on the same weights. All run at once and are measured in turn, slice by slice, so that whatever else the machine does
 * meets all of them. It writes http.json into bench/results/ and the table of this machine's class in
 * docs/performance.md. It takes nine minutes, three of them for the memory.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeFullSizePair } from "../scripts/make-full-size-pair.ts";
import { serviceConfig } from "../src/config/service.ts";
import { availableCores } from "../src/host/available-cores.ts";
import { openModel } from "../src/model/folder.ts";
import { openRawEngine, type RawEngine } from "./engine/raw.ts";
import { defaultWork, fullSizeModels, precisions } from "./full-size-models.ts";
import { imageBodies, textBodies } from "./http/inputs.ts";
import { load } from "./http/load.ts";
import { type Figures, Measurements } from "./http/measurements.ts";
import { type MemoryCurve, memoryCurve } from "./http/memory.ts";
import { type Service, startPeer, startService } from "./http/service.ts";
import { machine, table, writeResults, writeSection } from "./report.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "4" },
    seconds: { type: "string", default: "3" },
    requests: { type: "string", default: "10000" },
    work: { type: "string", default: defaultWork },
    peer: { type: "string" },
  },
});
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);

const imageRate = "images/s, 16 connections";
const textRate = "texts/s, 32 connections";
const images = await imageBodies(200);
const texts = textBodies();

const image = { what: "image", path: "/encode_image", body: images };
const text = { what: "text", path: "/encode_text", body: texts };

/** Each of these measures a service for one slice of time. */
const slices: ((service: Service) => Promise<Figures>)[] = [
  (service) => flatOut(service, { ...image, figure: imageRate, connections: 16 }),
  async ({ url }) => {
    const images = load({ ...image, url, connections: 16, seconds });
    const health = await load({ url, path: "/health", connections: 1, seconds, ratePerSecond: 40 });
    await images;
    return { "GET /health while images are encoded, p99 ms": health.p99Ms, "answers other than 200": health.failures };
  },
  (service) => alone(service, image),
  (service) => flatOut(service, { ...text, figure: textRate, connections: 32 }),
  (service) => alone(service, text),
];

interface Work {
  what: string;
  path: string;
  body: () => string;
}

/** Measures the rate, how many milliseconds of one core an answer costs, and who spends them. */
async function flatOut(service: Service, work: Work & { figure: string; connections: number }): Promise<Figures> {
  const { what, figure, path, body, connections } = work;
  const before = { ...service.processorTime(), generator: process.cpuUsage() };
  const { rate, failures } = await load({ url: service.url, path, body, connections, seconds });
  const after = service.processorTime();
  const { user, system } = process.cpuUsage(before.generator);
  const answers = rate * seconds;
  return {
    [figure]: rate,
    "answers other than 200": failures,
    [`core-ms per ${what}: engine and other threads`]: (after.threads - before.threads) / answers,
    [`core-ms per ${what}: event loop`]: (after.main - before.main) / answers,
    [`core-ms per ${what}: decoders`]: (after.decoders - before.decoders) / answers,
    [`core-ms per ${what}: load generator`]: (user + system) / 1000 / answers,
  };
}

/** Measures the latency of one request after another. */
async function alone({ url }: Service, { what, path, body }: Work): Promise<Figures> {
  const { p50Ms, p99Ms } = await load({ url, path, body, connections: 1, seconds });
  return { [`${what}, 1 connection, p50 ms`]: p50Ms, [`${what}, 1 connection, p99 ms`]: p99Ms };
}

const defaults = serviceConfig({});
const models = await fullSizeModels(flags.work);
const start: Record<string, () => Promise<Service>> = {
  fp32: () => startService(models.fp32),
  int8: () => startService(models.int8),
  "int8, 1 core": () => startService(models.int8, { cores: "0" }),
};
if (flags.peer !== undefined) {
  const pair = await makeFullSizePair(join(flags.work, "pair"));
  start["Flask, PyTorch fp32"] = () => startPeer(flags.peer!, "sentence-transformers", pair);
  const hasFasterClip = spawnSync(flags.peer, ["-c", "import faster_clip"]).status === 0;
  if (hasFasterClip) start["faster-clip behind Flask, int8"] = () => startPeer(flags.peer!, "faster-clip", pair);
}
const names = Object.keys(start);

const measured = new Measurements();

// Cold starts come first, while nothing else runs. The files are in memory from the second round on.
for (let round = 0; round < rounds; round++) {
  for (const name of names) {
    const service = await start[name]!();
    measured.add(name, { "process start to first vectors, ms": service.coldStartMs });
    await service.stop();
  }
}

const services: Record<string, Service> = {};
for (const name of names) services[name] = await start[name]!();
const raw: Record<string, RawEngine> = {};
for (const precision of precisions) {
  raw[precision] = await openRawEngine({
    directory: models[precision],
    threads: availableCores(),
    imageBatch: defaults.maxImageBatch || 8, // the encoder's choice on a processor
    textBatch: defaults.maxTextBatch,
    sentences: Array.from({ length: 320 }, () => JSON.parse(texts()).text),
  });
}
for (const { url } of Object.values(services)) {
  await load({ ...image, url, connections: 16, seconds: 2 });
  await load({ ...text, url, connections: 32, seconds: 1 });
}
for (let round = 0; round < rounds; round++) {
  for (const slice of slices) for (const name of names) measured.add(name, await slice(services[name]!));
  for (const [name, engine] of Object.entries(raw)) {
    measured.add(`raw ${name}`, {
      [imageRate]: await engine.imagesPerSecond(seconds),
      [textRate]: await engine.textsPerSecond(seconds),
    });
  }
  console.log(`round ${round + 1} of ${rounds}`);
}
await Promise.all(Object.values(services).map((service) => service.stop()));
await Promise.all(Object.values(raw).map((engine) => engine.close()));

const memory: Record<string, MemoryCurve> = {};
for (const name of precisions) {
  const service = await start[name]!();
  memory[name] = await memoryCurve(service, { requests: Number(flags.requests), image: images, text: texts });
  await service.stop();
}

const { manifest } = await openModel(models.int8);
const report = {
  date: new Date().toISOString(),
  machine: machine(),
  rounds,
  seconds,
  measured: measured.values,
  memory,
  fidelity: { image: manifest.image.fidelity, text: manifest.text.fidelity },
};
await writeResults("http", report);

const peer = names.find((name) => name.startsWith("Flask"));
const cell = (name: string, figure: string) => measured.cell(name, figure);
const ratio = (above: string, below: string) => (figure: string) => measured.ratio(figure, { above, below });
const columns: Record<string, (figure: string) => string> = {
  ...Object.fromEntries(names.map((name) => [name, (figure: string) => cell(name, figure)])),
  "int8 / fp32": ratio("int8", "fp32"),
  "int8 / 1 core": ratio("int8", "int8, 1 core"),
  ...(peer === undefined ? {} : { "int8 / Flask": ratio("int8", peer) }),
  "fp32 / raw engine": ratio("fp32", "raw fp32"),
  "int8 / raw engine": ratio("int8", "raw int8"),
};
await writeSection("performance.md", "http", [
  `${report.date.slice(0, 10)}, ${report.machine}.`,
  `${rounds} rounds of ${seconds} s per figure, in turn, median (lowest–highest).`,
  "Ratios are medians of the rounds' ratios.",
  "",
  ...table(
    ["figure", ...Object.keys(columns)],
    [
      ...measured.figures(names).map((figure) => [figure, ...Object.values(columns).map((of) => of(figure))]),
      ...memory.int8!.map(({ requests }, quarter) => [
        `MiB (PSS) after ${requests} mixed requests`,
        ...Object.keys(columns).map((name) => memory[name]?.[quarter]?.mebibytes.toFixed(0) ?? ""),
      ]),
    ],
  ),
]);
