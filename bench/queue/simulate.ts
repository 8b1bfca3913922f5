/**
 * `npm run simulate` plays queued runs of up to 10^9 pictures with the costs that `npm run bench:queue` measured, and
 * writes what it sees into docs/scale.md. `--seed` changes what chance does; everything else follows from bench/results.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { table, writeSection } from "../report.ts";
import { short } from "../spread.ts";
import { type Costs, type Setup, simulate } from "./simulation.ts";

const { values: flags } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    /** Where the costs were measured: a folder of bench/results. */
    class: { type: "string", default: "avx-512-vnni" },
    rate: { type: "string", default: "44.9" },
  },
});

const file = resolve(import.meta.dirname, "../results", flags.class, "queue.json");
const { costs, memory, shardSize } = JSON.parse(await readFile(file, "utf8"));
/** What docs/performance.md says of int8 on two cores: pictures a second over HTTP, load generator included. */
const picturesPerSecond = Number(flags.rate);
/** What a picture costs comes on top of what the stand-in costs. */
const measured: Costs = { ...costs, work: costs.work + (shardSize * 2) / picturesPerSecond };
const spot = { leaseSeconds: 30, lifeSeconds: 24 * 3600, replaceSeconds: 180 };

const plans: { pictures: number; workers: number; ahead?: number }[] = [
  { pictures: 1e6, workers: 4 },
  { pictures: 1e7, workers: 10 },
  { pictures: 1e8, workers: 100 },
  { pictures: 1e9, workers: 100 },
  { pictures: 1e9, workers: 1000 },
  { pictures: 1e9, workers: 1000, ahead: 4000 },
];

const rows = plans.map(({ pictures, workers, ahead = 1000 }) => {
  const setup: Setup = { seed: Number(flags.seed), shards: pictures / shardSize, workers, cores: 2, ahead, ...spot };
  const { seconds, lister, server, workers: busy, deaths, again, mostQueued } = simulate(measured, setup);
  const megabytes = (mostQueued * memory.redisJobBytes) / 1e6;
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const row = [
    `10^${Math.round(Math.log10(pictures))}`,
    ...[workers, ahead].map((count) => count.toLocaleString("en")),
    short(seconds / 3600),
    ...[busy, lister, server].map(percent),
    ...[deaths, again].map((count) => count.toLocaleString("en")),
    short(megabytes),
  ];
  console.log(row.join(" | "));
  return row;
});
const head = ["pictures", "workers of 2 cores", "`--queue-ahead`", "hours", "workers busy", "lister busy"];
await writeSection("scale.md", "simulation", [
  ...table([...head, "Redis busy", "deaths", "shards done again", "Redis, MB"], rows),
]);
