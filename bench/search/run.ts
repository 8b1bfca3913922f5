/**
 * npm run bench:search: how long a search in very many vectors takes, and how many of the ten nearest it finds, exactly and
 * through the approximate index as it ships. It makes 1,000,000 vectors, which takes some 5 GB of disk and half an hour;
 * `npm run bench:search -- --vectors 100000` is the short form. `--keep DIR` uses an index again. The table goes to
 * docs/bulk.md where the vectors are a million.
 */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openVectorStore, type StoredRow, type VectorStore } from "../../src/search/vector-store.ts";
import { machine, table, writeResults, writeSection } from "../report.ts";
import { clusteredVectors } from "./clustered-vectors.ts";

const { values } = parseArgs({
  options: { vectors: { type: "string", default: "1000000" }, keep: { type: "string" } },
});
const count = Number(values.vectors);
const rowsPerWrite = 4000;
const questionsOfEachKind = 50;

interface Searched {
  p50Ms: number;
  p99Ms: number;
  cpuMs: number;
  found: string[][];
}

const directory = values.keep ? resolve(values.keep) : await mkdtemp(join(tmpdir(), "bench-search-"));
try {
  console.log(machine());
  const draw = clusteredVectors(count);
  const store = await openVectorStore(directory, 512);
  const insert = await measure(() => fill(store, () => draw("picture")));
  const before = await megabytes(directory);
  const questions = (["picture", "words"] as const).flatMap((kind) =>
    Array.from({ length: questionsOfEachKind }, () => draw(kind)),
  );
  const exact = await searchAll(store, questions, true);
  console.log("exact", exact.p50Ms, exact.p99Ms, exact.cpuMs);
  const hadIndex = await store.hasIndex();
  const build = await measure(async () => {
    if (!hadIndex) await store.buildIndex();
  });
  console.log("build", build);
  const approximate = await searchAll(store, questions, false);
  const one = await measure(async () => {
    for (let i = 0; i < 20; i++) await store.get(idOf(Math.floor((i * count) / 20)));
  });
  const recalls = {
    pictures: recall(exact.found, approximate.found, 0),
    words: recall(exact.found, approximate.found, questionsOfEachKind),
  };
  const { found: _exact, ...exactTimes } = exact;
  const { found: _found, ...approximateTimes } = approximate;
  const results = {
    ...{ machine: machine(), vectors: count, insert, build, megabytes: { before, after: await megabytes(directory) } },
    ...{ exact: exactTimes, approximate: approximateTimes, recalls, oneRowMs: one.seconds * 50 },
    peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1000),
  };
  store.close();
  console.log(JSON.stringify(results, null, 2));
  if (count === 1_000_000) {
    await writeResults("search", results);
    await writeSection("bulk.md", "search", tableOf(results));
  }
} finally {
  if (!values.keep) await rm(directory, { recursive: true, force: true });
}

function idOf(number: number): string {
  return number.toString(16).padStart(16, "0");
}

async function fill(store: VectorStore, next: () => Float32Array): Promise<void> {
  const there = await store.count();
  for (let from = 0; from < count; from += rowsPerWrite) {
    const rows = Array.from({ length: Math.min(rowsPerWrite, count - from) }, (_, i) => rowOf(from + i, next()));
    if (from >= there) await store.add(rows);
    if (from % 100_000 === 0) console.log(`${from} of ${count}`);
  }
  if (there === 0) await store.compact();
}

function rowOf(number: number, vector: Float32Array): StoredRow {
  const path = `photos/${Math.floor(number / 1000)}/IMG_${number}.jpg`;
  const facts = { digest: "00000000", input: 0, root: 0, version: "2000000:1700000000000000000", hash: "0".repeat(44) };
  return { id: idOf(number), path, ...facts, columns: {}, vector };
}

async function searchAll(store: VectorStore, questions: readonly Float32Array[], exact: boolean): Promise<Searched> {
  const ask = (vector: Float32Array) => store.nearest({ vector, limit: 10, offset: 0, exact });
  if (!exact) for (const question of questions) await ask(question); // loads what stays in memory
  const times: number[] = [];
  const found: string[][] = [];
  const { cpuSeconds } = await measure(async () => {
    for (const question of questions) {
      const startedAt = performance.now();
      found.push((await ask(question)).map(({ id }) => id));
      times.push(performance.now() - startedAt);
    }
  });
  times.sort((a, b) => a - b);
  const at = (share: number) => Math.round(10 * times[Math.floor(share * (times.length - 1))]!) / 10;
  return { p50Ms: at(0.5), p99Ms: at(0.99), cpuMs: Math.round((1e4 * cpuSeconds) / times.length) / 10, found };
}

/** The share of the exact answers that were found, among the questions of one kind. */
function recall(exact: readonly string[][], found: readonly string[][], from: number): number {
  let hits = 0;
  for (let i = from; i < from + questionsOfEachKind; i++) {
    hits += found[i]!.filter((id) => exact[i]!.includes(id)).length;
  }
  return hits / (10 * questionsOfEachKind);
}

async function measure(work: () => Promise<void>): Promise<{ seconds: number; cpuSeconds: number }> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const rounded = (value: number) => Math.round(100 * value) / 100;
  return { seconds: rounded((performance.now() - startedAt) / 1000), cpuSeconds: rounded((user + system) / 1e6) };
}

async function megabytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6);
}

function tableOf({ machine, exact, approximate, recalls, build, megabytes, insert, peakMegabytes, ...rest }: Results) {
  const row = (name: string, { p50Ms, p99Ms, cpuMs }: Omit<Searched, "found">, recall: string) => [
    ...[name, `${p50Ms} ms`, `${p99Ms} ms`, `${cpuMs} ms`, recall],
  ];
  const found = `${recalls.pictures.toFixed(3)} of a picture's, ${recalls.words.toFixed(3)} of words'`;
  return [
    `${machine}; 1,000,000 vectors, ${2 * questionsOfEachKind} questions.`,
    "",
    ...table(
      ["search", "p50", "p99", "processor time", "recall@10"],
      [row("exact", exact, "1"), row("approximate, as it ships", approximate, found)],
    ),
    "",
    `Writing the vectors took ${insert.cpuSeconds} s of processor time with making them, building the index ` +
      `${build.cpuSeconds} s (${build.seconds} s by the clock).`,
    `The folder has ${megabytes.before} MB without the index and ${megabytes.after} MB with it.`,
    `A picture's row is found in ${rest.oneRowMs.toFixed(1)} ms; the process took ${peakMegabytes} MB at most.`,
  ];
}

interface Results {
  machine: string;
  exact: Omit<Searched, "found">;
  approximate: Omit<Searched, "found">;
  recalls: { pictures: number; words: number };
  build: { seconds: number; cpuSeconds: number };
  insert: { seconds: number; cpuSeconds: number };
  megabytes: { before: number; after: number };
  oneRowMs: number;
  peakMegabytes: number;
}
