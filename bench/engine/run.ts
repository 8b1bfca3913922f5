/**
 * `npm run bench:engine` runs the graphs alone, without service, decoding or tokenising, on the full-size pair with
 * random weights. Contenders take turns run by run, so that whatever else the machine does meets all of them. Beside
 * the clock, it reads the processor time, which other programs disturb less. With `--peer PYTHON` (an interpreter with
 * bench/peers/requirements.txt installed), PyTorch takes turns too. It writes engine.json into bench/results/ and the
 * table of this machine's class in docs/performance.md. It takes two minutes, four with a peer.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeFullSizePair } from "../../scripts/make-full-size-pair.ts";
import type { Tensor } from "../../src/engine/contract.ts";
import { openSession } from "../../src/engine/session.ts";
import { openModel } from "../../src/model/folder.ts";
import { defaultWork, fullSizeModels, precisions } from "../full-size-models.ts";
import { machine, table, writeResults, writeSection } from "../report.ts";
import { type Spread, short, spread, spreadCell } from "../spread.ts";
import { startTorch, type TorchEngine } from "./torch.ts";

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "8" },
    work: { type: "string", default: defaultWork },
    peer: { type: "string" },
  },
});

interface Tower {
  name: "image" | "text";
  batches: number[];
  inputs(batch: number): Tensor[];
}

/** A sentence of eight words has about twelve tokens. */
const tokens = 12;

const towers: Tower[] = [
  {
    name: "image",
    batches: [1, 8, 16],
    inputs(batch) {
      const data = Uint8Array.from({ length: batch * 224 * 224 * 3 }, (_, at) => (at * 7919) % 251);
      return [{ name: "pixels", data, dims: [batch, 224, 224, 3] }];
    },
  },
  {
    name: "text",
    batches: [1, 16, 32],
    inputs(batch) {
      const ids = BigInt64Array.from({ length: batch * tokens }, (_, at) => BigInt(1000 + ((at * 7919) % 20_000)));
      const mask = new BigInt64Array(batch * tokens).fill(1n);
      const dims = [batch, tokens];
      return [
        { name: "input_ids", data: ids, dims },
        { name: "attention_mask", data: mask, dims },
      ];
    },
  },
];

/** Runs one batch and gives its milliseconds on the clock and, where that can be told, of processor time. */
type Contender = () => Promise<{ wallMs: number; cpuMs?: number }>;

const peerTypes = { "PyTorch fp32": "float32", "PyTorch bf16": "bfloat16" } as const;

const folders = await fullSizeModels(flags.work);
const figures: Awaited<ReturnType<typeof measure>>[] = [];
for (const threads of [1, 2]) {
  const pair = await makeFullSizePair(join(flags.work, "pair"));
  const torch = flags.peer === undefined ? undefined : await startTorch(flags.peer, { ...pair, threads });
  for (const tower of towers) {
    for (const batch of tower.batches) {
      const figure = await measure({ tower, batch, threads, torch });
      figures.push(figure);
      console.log(`${figure.what}: ${JSON.stringify(figure.perSecond)}`);
    }
  }
  await torch?.stop();
}
const report = { date: new Date().toISOString(), machine: machine(), figures };
await writeResults("engine", report);
const names = Object.keys(figures[0]!.perSecond);
await writeSection("performance.md", "engine", [
  `${report.date.slice(0, 10)}, ${report.machine}.`,
  `Items per second over ${flags.seconds} s, median (quartiles).`,
  "",
  ...table(
    ["", ...names, "int8 / fp32", "of processor time"],
    figures.map(({ what, perSecond, int8OverFp32: { wall, cpu } }) => [
      what,
      ...names.map((name) => spreadCell(perSecond[name]!)),
      short(wall),
      short(cpu),
    ]),
  ),
]);

interface Case {
  tower: Tower;
  batch: number;
  threads: number;
  torch: TorchEngine | undefined;
}

async function measure({ tower, batch, threads, torch }: Case) {
  const inputs = tower.inputs(batch);
  const sessions = await Promise.all(
    precisions.map(async (precision) => {
      const { graph, largestPair } = (await openModel(folders[precision])).manifest[tower.name];
      return openSession({ graph: join(folders[precision], graph), threads, largestPair });
    }),
  );
  const contenders: Record<string, Contender> = {};
  for (const [index, precision] of precisions.entries()) {
    contenders[precision] = async () => {
      const start = performance.now();
      const cpuStart = process.cpuUsage();
      await sessions[index]!.run(inputs);
      const { user, system } = process.cpuUsage(cpuStart);
      return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 };
    };
  }
  if (torch) {
    for (const [name, type] of Object.entries(peerTypes)) {
      contenders[name] = async () => ({ wallMs: await torch.run({ tower: tower.name, type, batch, tokens }) });
    }
  }
  const wallMs: Record<string, number[]> = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  const cpuMs: Record<string, number[]> = { fp32: [], int8: [] };
  for (const run of Object.values(contenders)) await run(); // the first run lays out the memory
  const end = performance.now() + Number(flags.seconds) * 1000;
  while (performance.now() < end || wallMs.int8!.length < 3) {
    for (const [name, run] of Object.entries(contenders)) {
      const spent = await run();
      wallMs[name]!.push(spent.wallMs);
      if (spent.cpuMs !== undefined) cpuMs[name]!.push(spent.cpuMs);
    }
  }
  for (const session of sessions) await session.close();
  const ratio = (times: Record<string, number[]>) => spread(times.fp32!).median / spread(times.int8!).median;
  const what = `${tower.name === "text" ? `texts of ${tokens} tokens` : "images"}, ${threads} threads, batch ${batch}`;
  const perSecond: Record<string, Spread> = {};
  for (const [name, times] of Object.entries(wallMs)) {
    const rates = times.map((ms) => (batch * 1000) / ms);
    perSecond[name] = spread(rates, 0.25);
  }
  return {
    what,
    runs: wallMs.int8!.length,
    perSecond,
    int8OverFp32: { wall: ratio(wallMs), cpu: ratio(cpuMs) },
  };
}
