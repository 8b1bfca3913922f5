/**
 * npm run bench:search: how long a search in very many vectors takes, and how many of the ten nearest it finds, exactly and
 * through the approximate index as it ships. It makes 1,000,000 vectors, which takes 5 GB of disk and half an hour;
 * `npm run bench:search -- --vectors 100000` is the short form. With `--keep DIR` the store stays, a bench that was
 * interrupted goes on where it was, and `--steps fill,build,search` chooses what one call does, so that the memory of each
 * can be told. The table goes to docs/bulk.md where the vectors are a million.
 */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openVectorStore, type StoredRow, type VectorStore } from "../../src/search/vector-store.ts";
import { machine, table, writeResults, writeSection } from "../report.ts";
import { clusteredVectors, distributions } from "./clustered-vectors.ts";

const { values } = parseArgs({
  options: {
    vectors: { type: "string", default: "1000000" },
    keep: { type: "string" },
    steps: { type: "string", default: "fill,build,search" },
  },
});
const count = Number(values.vectors);
const rowsPerWrite = 4000;
const questionsOfEachKind = 50;
/** Each question is asked so often, so that the slowest in a hundred is not a single one. */
const rounds = 5;

interface Searched {
  p50Ms: number;
  p99Ms: number;
  cpuMs: number;
  found: string[][];
}

interface Measured {
  seconds: number;
  cpuSeconds: number;
  /** The most memory that the process has taken until then, the file cache aside. */
  peakMegabytes: number;
}

/** Holds what the steps have measured so far. */
interface Figures {
  fill?: Measured & { megabytes: number };
  build?: Measured & { megabytes: number };
}

const directory = values.keep ? resolve(values.keep) : await mkdtemp(join(tmpdir(), "bench-search-"));
const figuresFile = join(directory, "figures.json");
try {
  console.log(machine());
  const draw = clusteredVectors(count);
  const store = await openVectorStore(directory, 512);
  const figures: Figures = JSON.parse(await readFile(figuresFile, "utf8").catch(() => "{}"));
  const steps = values.steps.split(",");
  if (steps.includes("fill")) {
    const measured = await measure(() => fill(store, (random) => draw("picture", random)));
    figures.fill ??= { ...measured, megabytes: await megabytes(directory) };
  }
  if (steps.includes("build") && !(await store.hasIndex())) {
    const measured = await measure(() => store.buildIndex());
    figures.build = { ...measured, megabytes: await megabytes(directory) };
  }
  await writeFile(figuresFile, JSON.stringify(figures));
  console.log(JSON.stringify(figures));
  if (steps.includes("search")) await report(await searchBothWays(store), figures);
  store.close();
} finally {
  if (!values.keep) await rm(directory, { recursive: true, force: true });
}

function idOf(number: number): string {
  return number.toString(16).padStart(16, "0");
}

/** Writes what is missing. Each write has a seed of its own, so that it can begin anywhere. */
async function fill(store: VectorStore, next: (random: ReturnType<typeof distributions>) => Float32Array) {
  for (let from = await store.count(); from < count; from += rowsPerWrite) {
    const random = distributions(from);
    const length = Math.min(rowsPerWrite, count - from);
    await store.add(Array.from({ length }, (_, i) => rowOf(from + i, next(random))));
    if (from % 100_000 === 0) console.log(`${from} of ${count}`);
  }
  await store.compact();
}

function rowOf(number: number, vector: Float32Array): StoredRow {
  const path = `photos/${Math.floor(number / 1000)}/IMG_${number}.jpg`;
  const facts = { digest: "00000000", input: 0, root: 0, version: "2000000:1700000000000000000", hash: "0".repeat(44) };
  return { id: idOf(number), path, ...facts, columns: {}, vector };
}

/** Searches through the index first, so that it does not find in memory what the exact search has read. */
async function searchBothWays(store: VectorStore) {
  const draw = clusteredVectors(count);
  const random = distributions(-1);
  const kinds = ["picture", "words"] as const;
  const questions = kinds.flatMap((kind) => Array.from({ length: questionsOfEachKind }, () => draw(kind, random)));
  for (const question of questions) await store.nearest({ vector: question, limit: 10, offset: 0 }); // loads the index
  const approximate = await searchAll(store, questions, { exact: false, rounds });
  const peakMegabytes = megabytesNow();
  const oneRow = await measure(async () => {
    for (let i = 0; i < 20; i++) await store.get(idOf(Math.floor((i * count) / 20)));
  });
  const exact = await searchAll(store, questions, { exact: true, rounds: 1 });
  const recallFrom = (from: number) => recall(exact.found, approximate.found, from);
  const recalls = { pictures: recallFrom(0), words: recallFrom(questionsOfEachKind) };
  return { exact, approximate, recalls, peakMegabytes, oneRowMs: oneRow.seconds * 50 };
}

interface Asking {
  exact: boolean;
  rounds: number;
}

async function searchAll(store: VectorStore, questions: readonly Float32Array[], asking: Asking): Promise<Searched> {
  const times: number[] = [];
  const found: string[][] = [];
  const { cpuSeconds } = await measure(async () => {
    for (let round = 0; round < asking.rounds; round++) {
      for (const [i, vector] of questions.entries()) {
        const startedAt = performance.now();
        const rows = await store.nearest({ vector, limit: 10, offset: 0, exact: asking.exact });
        times.push(performance.now() - startedAt);
        found[i] = rows.map(({ id }) => id);
      }
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

async function measure(work: () => Promise<void>): Promise<Measured> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const rounded = (value: number) => Math.round(100 * value) / 100;
  return {
    seconds: rounded((performance.now() - startedAt) / 1000),
    cpuSeconds: rounded((user + system) / 1e6),
    peakMegabytes: megabytesNow(),
  };
}

function megabytesNow(): number {
  return Math.round(process.resourceUsage().maxRSS / 1000);
}

async function megabytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6);
}

type Both = Awaited<ReturnType<typeof searchBothWays>>;

async function report({ exact, approximate, ...rest }: Both, figures: Figures): Promise<void> {
  const withoutIds = ({ found: _found, ...times }: Searched) => times;
  const searched = { exact: withoutIds(exact), approximate: withoutIds(approximate), ...rest };
  const results = { machine: machine(), vectors: count, ...figures, ...searched };
  console.log(JSON.stringify(results, null, 2));
  if (count !== 1_000_000) return;
  await writeResults("search", results);
  await writeSection("bulk.md", "search", tableOf(results));
}

interface Results extends Figures {
  machine: string;
  exact: Omit<Searched, "found">;
  approximate: Omit<Searched, "found">;
  recalls: { pictures: number; words: number };
  oneRowMs: number;
  peakMegabytes: number;
}

function tableOf({ machine, exact, approximate, recalls, fill, build, oneRowMs, peakMegabytes }: Results): string[] {
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
    ...(fill ? [`Making and writing the vectors: ${stepText(fill)}.`] : []),
    ...(build ? [`Building the index: ${stepText(build)}.`] : []),
    `The process that searched took ${peakMegabytes} MB at most; it found a picture's row by its id in ` +
      `${oneRowMs.toFixed(1)} ms.`,
  ];
}

function stepText({ seconds, cpuSeconds, peakMegabytes, megabytes }: Measured & { megabytes: number }): string {
  return `${seconds} s (${cpuSeconds} s of processor time), ${peakMegabytes} MB of memory, ${megabytes} MB of disk then`;
}
