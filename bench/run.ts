/**
 * `npm run bench` measures the service over HTTP on a full-size pair with random weights (speed does not depend on
 * weights): both precisions, int8 also on one core (with Linux' taskset), and the raw graphs beside them. Peers take part
 * that are installed, on the same weights and pictures: `--peer PYTHON` names an interpreter with one of the requirements
 * files of bench/peers installed, and may stand more than once; `--transformers-js FOLDER` a folder with
 * @huggingface/transformers. All run at once and are measured in turn, slice by slice, so that whatever else the machine
 * does meets all of them. It writes http.json into bench/results/ and the table of this machine's class in
 * docs/performance.md. A round takes a minute, or three with all peers. `--add` adds rounds to those of earlier runs.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeFullSizePair } from "../scripts/make-full-size-pair.ts";
import { serviceSettings } from "../src/config/service.ts";
import { settingsWith } from "../src/config/setting.ts";
import { batchSizesFor, productsOf } from "../src/engine/layout.ts";
import { availableCores } from "../src/host/available-cores.ts";
import { openModel } from "../src/model/folder.ts";
import { openRawEngine, type RawEngine } from "./engine/raw.ts";
import { defaultWork, fullSizeModels, precisions } from "./full-size-models.ts";
import { imageBodies, textBodies } from "./http/inputs.ts";
import { load } from "./http/load.ts";
import { type Figures, Measurements } from "./http/measurements.ts";
import { type Service, type Speech, startService } from "./http/service.ts";
import { installedPeers } from "./peers/peers.ts";
import { machine, readResults, table, writeResults, writeSection } from "./report.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "4" },
    seconds: { type: "string", default: "3" },
    work: { type: "string", default: defaultWork },
    peer: { type: "string", multiple: true, default: [] },
    "transformers-js": { type: "string" },
    add: { type: "boolean", default: false },
  },
});
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);

const imageRate = "images/s, 16 connections";
const textRate = "texts/s, 32 connections";

interface Work {
  what: string;
  path: string;
  body: () => string;
}

/** The same pictures and sentences for everybody, in the bodies of each. */
const works = new Map<Speech, Promise<{ image: Work; text: Work }>>();

function workOf({ speech }: { speech: Speech }) {
  const made = works.get(speech) ?? makeWork(speech);
  works.set(speech, made);
  return made;
}

async function makeWork({ image, text }: Speech): Promise<{ image: Work; text: Work }> {
  return {
    image: { what: "image", path: image.path, body: await imageBodies(200, image.body) },
    text: { what: "text", path: text.path, body: textBodies(text.body) },
  };
}

/** Each of these measures a service for one slice of time. */
const slices: ((service: Service) => Promise<Figures>)[] = [
  async (service) => flatOut(service, { ...(await workOf(service)).image, figure: imageRate, connections: 16 }),
  async (service) => {
    const { url } = service;
    const images = load({ ...(await workOf(service)).image, url, connections: 16, seconds });
    const health = await load({ url, path: "/health", connections: 1, seconds, ratePerSecond: 40 });
    await images;
    return { "GET /health while images are encoded, p99 ms": health.p99Ms, "answers other than 200": health.failures };
  },
  async (service) => alone(service, (await workOf(service)).image),
  async (service) => flatOut(service, { ...(await workOf(service)).text, figure: textRate, connections: 32 }),
  async (service) => alone(service, (await workOf(service)).text),
];

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

const defaults = settingsWith(serviceSettings, {});
const models = await fullSizeModels(flags.work);
const peers = await installedPeers(
  { pythons: flags.peer, transformersJs: flags["transformers-js"] },
  { pair: await makeFullSizePair(join(flags.work, "pair")), work: flags.work },
);
const start: Record<string, () => Promise<Service>> = {
  fp32: () => startService(models.fp32),
  int8: () => startService(models.int8),
  "int8, 1 core": () => startService(models.int8, { cores: "0" }),
  ...peers,
};

const earlier = flags.add
  ? ((await readResults("http")) as { measured: Record<string, Record<string, number[]>> })
  : {};
const measured = new Measurements(earlier);

// Cold starts come first, while nothing else computes. The files are in memory from the second round on.
const services: Record<string, Service> = {};
for (let round = 0; round < rounds; round++) {
  for (const name of Object.keys(start)) {
    await services[name]?.stop();
    const started = await start[name]!().catch((error) => {
      if (!Object.hasOwn(peers, name)) throw error;
      console.error(`${name} does not take part: ${error instanceof Error ? error.message : error}`);
    });
    if (started) {
      services[name] = started;
      measured.add(name, { "process start to first vectors, ms": started.coldStartMs });
    } else delete start[name];
  }
}
const names = Object.keys(start);
const sentences = textBodies();
const raw: Record<string, RawEngine> = {};
for (const precision of precisions) {
  const sizes = batchSizesFor("cpu", { threads: availableCores(), products: productsOf(precision) }, defaults);
  raw[precision] = await openRawEngine({
    directory: models[precision],
    threads: availableCores(),
    imageBatch: sizes.maxImageBatch,
    textBatch: sizes.maxTextBatch,
    sentences: Array.from({ length: 320 }, () => JSON.parse(sentences()).text),
  });
}
for (const service of Object.values(services)) {
  const { image, text } = await workOf(service);
  await load({ ...image, url: service.url, connections: 16, seconds: 2 });
  await load({ ...text, url: service.url, connections: 32, seconds: 1 });
}
for (let round = 0; round < rounds; round++) {
  for (const slice of slices) for (const name of names) measured.add(name, await slice(services[name]!));
  for (const [name, engine] of Object.entries(raw)) {
    measured.add(`raw ${name}`, {
      [imageRate]: await engine.imagesPerSecond(seconds),
      [textRate]: await engine.textsPerSecond(seconds),
    });
  }
  for (const name of names) measured.add(name, { "MiB (PSS)": services[name]!.memory().shared / 2 ** 20 });
  console.log(`round ${round + 1} of ${rounds}`);
}
await Promise.all(Object.values(services).map((service) => service.stop()));
await Promise.all(Object.values(raw).map((engine) => engine.close()));

const { manifest } = await openModel(models.int8);
const report = {
  date: new Date().toISOString(),
  machine: machine(),
  seconds,
  measured: measured.values,
  fidelity: { image: manifest.image.fidelity, text: manifest.text.fidelity },
};
await writeResults("http", report);

const contenders = Object.keys(report.measured).filter((name) => !name.startsWith("raw"));
const fastest =
  contenders.find((name) => name.startsWith("Infinity")) ?? contenders.find((name) => /^Flask/.test(name));
const ratio = (above: string, below: string) => (figure: string) => measured.ratio(figure, { above, below });
const columns: Record<string, (figure: string) => string> = {
  ...Object.fromEntries(contenders.map((name) => [name, (figure: string) => measured.cell(name, figure)])),
  "int8 / fp32": ratio("int8", "fp32"),
  "int8 / 1 core": ratio("int8", "int8, 1 core"),
  ...(fastest === undefined ? {} : { [`int8 / ${fastest.split(/[ ,]/)[0]}`]: ratio("int8", fastest) }),
  "fp32 / raw engine": ratio("fp32", "raw fp32"),
  "int8 / raw engine": ratio("int8", "raw int8"),
};
await writeSection("performance.md", "http", [
  `${report.date.slice(0, 10)}, ${report.machine}.`,
  `${measured.of("int8", imageRate).length} rounds of ${seconds} s per figure, in turn, median (lowest–highest).`,
  "Ratios are medians of the rounds' ratios.",
  "",
  ...table(
    ["figure", ...Object.keys(columns)],
    measured.figures(contenders).map((figure) => [figure, ...Object.values(columns).map((of) => of(figure))]),
  ),
]);
