/**
 * `npm run bench:folder` tells what it takes to keep the index of a large folder current: it indexes 100,000 small files,
 * then the same folder unchanged, then with one of its ten folders renamed, each in a process of its own, and prints the
 * time, the processor time and the most memory of each. A stand-in takes the place of the engine, so that what is
 * measured is everything else.
 */
import { execFile } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { createReading } from "../../src/bulk/items/reading.ts";
import { newTally } from "../../src/bulk/run.ts";
import { openSources } from "../../src/bulk/sources/open-source.ts";
import { updateIndex } from "../../src/bulk/update-index.ts";
import { encoderSettings } from "../../src/config/encoder.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { machine } from "../report.ts";
import { standIn } from "./stand-in.ts";

const { values: flags } = parseArgs({
  options: { at: { type: "string" }, files: { type: "string", default: "100000" } },
});

if (flags.at !== undefined) console.log(JSON.stringify(await runIndex(flags.at)));
else {
  console.log(`${machine()}; ${Number(flags.files).toLocaleString("en-US")} files`);
  const at = await mkdtemp(join(tmpdir(), "bench-folder-"));
  try {
    fill(join(at, "pictures"), Number(flags.files));
    await report(at, "all new");
    await report(at, "unchanged");
    renameSync(join(at, "pictures/0"), join(at, "pictures/renamed"));
    await report(at, "a tenth renamed, and pruned");
  } finally {
    await rm(at, { recursive: true, force: true });
  }
}

/** Writes files that differ, into ten folders. */
function fill(folder: string, files: number): void {
  for (let i = 0; i < 10; i++) mkdirSync(join(folder, String(i)), { recursive: true });
  for (let i = 0; i < files; i++) writeFileSync(join(folder, `${i % 10}/IMG_${i}.jpg`), `the picture number ${i}`);
}

async function report(at: string, what: string): Promise<void> {
  const args = [...process.execArgv, import.meta.filename, "--at", at];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { seconds, cpuSeconds, peakMegabytes, encoded, known, removed, holds } = JSON.parse(stdout);
  const counts = `${encoded} encoded, ${known} known, ${removed} removed, ${holds} in the index`;
  console.log(`${what}: ${seconds} s (${cpuSeconds} s of processor time), ${peakMegabytes} MB at most; ${counts}`);
}

async function runIndex(at: string) {
  const startedAt = performance.now();
  const pictures = join(at, "pictures");
  const reading = createReading({ ...settingsWith(encoderSettings), maxReadBytes: 96 << 20 });
  const source = await openSources([pictures], {
    ...{ include: [], exclude: [], follow: false, text: false, column: "", idColumn: "", maxInflatedBytes: 1 << 30 },
    ...{ reading, scratch: at, from0: false },
  });
  const tally = newTally();
  let removed = 0;
  const holds = await updateIndex({
    ...{ directory: join(at, "index.lance"), operands: [pictures], source, encoder: standIn(), tally, prune: true },
    ...{ retry: undefined, itemTimeoutMs: 300_000, stop: new AbortController().signal },
    thumbnail: async () => new Uint8Array(),
    onPruned: () => removed++,
    onNotPruned() {},
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const peakMegabytes = Math.round(maxRSS / 1000);
  const cpuSeconds = ((userCPUTime + systemCPUTime) / 1e6).toFixed(1);
  return { seconds, cpuSeconds, peakMegabytes, encoded: tally.encoded, known: tally.known, removed, holds };
}
