/**
 * npm run bench:engine: the graphs alone, without service, decoding or tokenising, on the full-size pair with random
 * weights. fp32 and int8 take turns run by run, so that whatever else the machine does meets both; beside the clock it
 * reads the processor time, which other programs disturb less. Writes bench/results/engine.json. Two minutes.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Tensor } from "../../src/engine/contract.ts";
import { openSession } from "../../src/engine/session.ts";
import { defaultWork, fullSizeModels, type Precision, precisions } from "../full-size-models.ts";
import { spread } from "../http/load.ts";
import { machine, writeSection } from "../report.ts";

const { values: flags } = parseArgs({
  options: { seconds: { type: "string", default: "8" }, work: { type: "string", default: defaultWork } },
});

interface Tower {
  name: "image" | "text";
  batches: number[];
  inputs(batch: number): Tensor[];
}

/** Twelve tokens are a sentence of eight words. */
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

const folders = await fullSizeModels(flags.work);
const figures: Awaited<ReturnType<typeof measure>>[] = [];
for (const threads of [1, 2]) {
  for (const tower of towers) {
    for (const batch of tower.batches) {
      const figure = await measure({ tower, batch, threads });
      figures.push(figure);
      console.log(row(figure));
    }
  }
}
const report = { date: new Date().toISOString(), machine: machine(), figures };
const out = resolve(import.meta.dirname, "../results");
await mkdir(out, { recursive: true });
await writeFile(join(out, "engine.json"), `${JSON.stringify(report, null, 2)}\n`);
await writeSection("performance.md", "engine", [
  `${report.date.slice(0, 10)}, ${report.machine}; median per second.`,
  "",
  "| | fp32 | int8 | int8 / fp32 | of processor time |",
  "|---|---|---|---|---|",
  ...figures.map(({ tower, threads, batch, perSecond, ratio }) => {
    const [fp32, int8] = precisions.map((precision) => perSecond[precision].median.toFixed(1));
    return `| ${tower}, ${threads} threads, batch ${batch} | ${fp32} | ${int8} | ${ratio.wall.toFixed(2)} | ${ratio.cpu.toFixed(2)} |`;
  }),
]);

async function measure({ tower, batch, threads }: { tower: Tower; batch: number; threads: number }) {
  const inputs = tower.inputs(batch);
  const wallMs: Record<Precision, number[]> = { fp32: [], int8: [] };
  const cpuMs: Record<Precision, number[]> = { fp32: [], int8: [] };
  const sessions = await Promise.all(
    precisions.map((precision) => openSession({ graph: join(folders[precision], `${tower.name}.onnx`), threads })),
  );
  for (const session of sessions) await session.run(inputs);
  const end = performance.now() + Number(flags.seconds) * 1000;
  while (performance.now() < end || wallMs.int8.length < 3) {
    for (const [index, precision] of precisions.entries()) {
      const start = performance.now();
      const cpuStart = process.cpuUsage();
      await sessions[index]!.run(inputs);
      wallMs[precision].push(performance.now() - start);
      const { user, system } = process.cpuUsage(cpuStart);
      cpuMs[precision].push((user + system) / 1000);
    }
  }
  for (const session of sessions) await session.close();
  const perSecond = (precision: Precision) => spread(wallMs[precision].map((ms) => (batch * 1000) / ms));
  const ratio = (times: typeof wallMs) => spread(times.fp32).median / spread(times.int8).median;
  return {
    tower: tower.name,
    threads,
    batch,
    runs: wallMs.int8.length,
    perSecond: { fp32: perSecond("fp32"), int8: perSecond("int8") },
    cpuMsPerItem: { fp32: spread(cpuMs.fp32).median / batch, int8: spread(cpuMs.int8).median / batch },
    ratio: { wall: ratio(wallMs), cpu: ratio(cpuMs) },
  };
}

function row({ tower, threads, batch, perSecond, ratio }: (typeof figures)[number]): string {
  const [fp32, int8] = precisions.map((precision) => perSecond[precision].median.toFixed(1));
  const ratios = `x${ratio.wall.toFixed(2)}, processor time x${ratio.cpu.toFixed(2)}`;
  return `${tower}, ${threads} threads, batch ${batch}: fp32 ${fp32}/s, int8 ${int8}/s, ${ratios}`;
}
