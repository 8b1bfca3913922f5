/**
 * `npm run bench:bulk` encodes a folder of pictures into files, in turns with the image graph alone, which is fed with
 * pixels that are ready and has one engine of all cores. It says which share of that throughput is left, and how much of a
 * core decoding and handing over take. With `--peer PYTHON` (an interpreter with
 * bench/peers/requirements.txt installed), the loop of sentence-transformers takes turns too, on the same pictures and the
 * same random full-size checkpoint. It writes bulk.json into bench/results/ and the table of docs/bulk.md.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { makeFullSizePair } from "../../scripts/make-full-size-pair.ts";
import { encodeFiles } from "../../src/bulk/encode-files.ts";
import { createReading } from "../../src/bulk/items/reading.ts";
import { newTally } from "../../src/bulk/run.ts";
import { folderSource } from "../../src/bulk/sources/folder.ts";
import { encoderSettings } from "../../src/config/encoder.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createEncoder } from "../../src/encoder/encoder.ts";
import { availableCores } from "../../src/host/available-cores.ts";
import { openRawEngine } from "../engine/raw.ts";
import { defaultWork, fullSizeModels, precisions } from "../full-size-models.ts";
import { jpeg } from "../http/inputs.ts";
import { machine, table, writeResults, writeSection } from "../report.ts";
import { type Spread, short, spread, spreadCell } from "../spread.ts";
import { coreMs } from "./core-time.ts";

const { values: flags } = parseArgs({
  options: {
    pictures: { type: "string", default: "960" },
    turns: { type: "string", default: "3" },
    work: { type: "string", default: defaultWork },
    peer: { type: "string" },
  },
});
const count = Number(flags.pictures);

const folder = await mkdtemp(join(tmpdir(), "bench-bulk-"));
try {
  const pictures = join(folder, "pictures");
  await mkdir(pictures);
  for (let seed = 0; seed < count; seed++) {
    await writeFile(join(pictures, `${seed}.jpg`), await jpeg({ seed, width: 640, height: 480 }));
  }
  const models = await fullSizeModels(flags.work);
  const rows: string[][] = [];
  const results: Record<string, Spread> = {};
  for (const precision of precisions) {
    const directory = models[precision];
    const imageBatch = 16;
    const raw = await openRawEngine({
      directory,
      threads: availableCores(),
      imageBatch,
      textBatch: 1,
      sentences: ["a"],
    });
    const rates = { raw: [] as number[], bulk: [] as number[] };
    const around: number[] = [];
    for (let turn = 0; turn < Number(flags.turns); turn++) {
      const before = coreMs();
      const seconds = 5;
      const rate = await raw.imagesPerSecond(seconds);
      const inGraph = (coreMs() - before) / (imageBatch + rate * seconds); // it runs one batch before it looks at the clock
      const bulk = await bulkRate(directory, pictures, join(folder, `out-${precision}-${turn}`));
      rates.raw.push(rate);
      rates.bulk.push(bulk.rate);
      around.push(bulk.coreMs - inGraph);
    }
    await raw.close();
    const share = spread(rates.bulk.map((rate, i) => rate / rates.raw[i]!));
    const [own, graph] = [spread(rates.bulk), spread(rates.raw)];
    const others = spread(around);
    Object.assign(results, { [precision]: own, [`${precision} raw`]: graph, [`${precision} share`]: share });
    Object.assign(results, { [`${precision} core-ms around the graph`]: others });
    const cells = [spreadCell(own), spreadCell(graph), share.median.toFixed(2), short(others.median)];
    rows.push([`encode, ${precision}`, ...cells]);
    console.log(rows.at(-1)!.join(" | "));
  }
  if (flags.peer !== undefined) {
    const peer = spread(await peerRates(flags.peer, pictures));
    results["sentence-transformers"] = peer;
    rows.push(["sentence-transformers, PyTorch fp32", spreadCell(peer), "", "", ""]);
    console.log(rows.at(-1)!.join(" | "));
  }
  await writeResults("bulk", { date: new Date().toISOString(), machine: machine(), pictures: count, results });
  const head = ["pictures a second", "bulk", "the graph alone", "share", "core-ms around the graph"];
  const lines = [`${machine()}; ${count} JPEGs of 640x480 pixels.`, "", ...table(head, rows)];
  await writeSection("bulk.md", "bulk", lines);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/**
 * Runs into a new folder, from its first file to its last mark.
 * @returns pictures a second, and milliseconds of a core that each took in all
 */
async function bulkRate(model: string, pictures: string, out: string): Promise<{ rate: number; coreMs: number }> {
  const config = settingsWith(encoderSettings, { model });
  const encoder = await createEncoder({ model }, {}, { towers: ["image"], isBulk: true }); // as the command does it
  try {
    const reading = createReading({ ...config, maxReadBytes: 96 << 20 });
    const source = folderSource({ folder: pictures, follow: false, isWanted: () => true, reading, scratch: folder });
    const before = coreMs();
    const startedAt = performance.now();
    await encodeFiles({
      ...({ directory: out, source, encoder, tower: "image", format: "npy", dtype: "float32" } as const),
      ...{ partSize: 10_000, retry: undefined, itemTimeoutMs: 300_000, tally: newTally() },
      stop: new AbortController().signal,
    });
    const rate = (count * 1000) / (performance.now() - startedAt);
    return { rate, coreMs: (coreMs() - before) / count };
  } finally {
    await encoder.close();
  }
}

async function peerRates(python: string, pictures: string): Promise<number[]> {
  const pair = await makeFullSizePair(join(flags.work, "pair"));
  const script = resolve(import.meta.dirname, "../peers/sentence_transformers_loop.py");
  const { stdout } = await promisify(execFile)(python, [script, pair.imageDir, pictures, flags.turns]);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}
