/**
 * `npm run bench:list` shows that the memory of a bulk run does not grow with its list: it encodes the lines of a short and
 * of a long one (10,000 and 1,000,000) into npy files of 512 numbers, each in a process of its own, and prints the most
 * memory that each took. A stand-in takes the place of the engine, so that what is measured is everything else: the list,
 * the journal, the parts and what waits between them. The long one writes 4.5 GB to the temporary folder and removes it.
 */
import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs, promisify } from "node:util";
import { encodeFiles } from "../../src/bulk/encode-files.ts";
import { createReading } from "../../src/bulk/items/reading.ts";
import { newTally } from "../../src/bulk/run.ts";
import { openSources } from "../../src/bulk/sources/open-source.ts";
import { encoderSettings } from "../../src/config/encoder.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { machine } from "../report.ts";
import { standIn } from "./stand-in.ts";

const { values: flags } = parseArgs({
  options: { items: { type: "string" }, lists: { type: "string", default: "10000,1000000" } },
});

if (flags.items !== undefined) console.log(JSON.stringify(await runList(Number(flags.items))));
else {
  console.log(machine());
  for (const items of flags.lists.split(",")) {
    const args = [...process.execArgv, import.meta.filename, "--items", items];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
    const { seconds, peakMegabytes } = JSON.parse(stdout);
    console.log(`${Number(items).toLocaleString("en-US")} lines: ${peakMegabytes} MB at most, ${seconds} s`);
  }
}

async function runList(items: number) {
  const folder = await mkdtemp(join(tmpdir(), "bench-list-"));
  try {
    const list = join(folder, "list.txt");
    const lines = function* () {
      for (let i = 0; i < items; i += 1000) {
        yield Array.from({ length: Math.min(1000, items - i) }, (_, j) => `a picture of the number ${i + j}\n`).join(
          "",
        );
      }
    };
    await pipeline(Readable.from(lines()), createWriteStream(list));
    const reading = createReading({ ...settingsWith(encoderSettings), maxReadBytes: 96 << 20 });
    const source = await openSources([list], {
      ...{ include: [], exclude: [], follow: false, text: true, column: "", idColumn: "", maxInflatedBytes: 1 << 30 },
      ...{ reading, scratch: folder, from0: false },
    });
    const startedAt = performance.now();
    const tally = newTally();
    await encodeFiles({
      ...({ directory: join(folder, "out"), source, tower: "text", format: "npy", dtype: "float32", tally } as const),
      ...{ encoder: standIn(), partSize: 10_000, retry: undefined, itemTimeoutMs: 300_000 },
      stop: new AbortController().signal,
    });
    if (tally.encoded !== items) throw new Error(`${tally.encoded} of ${items} were encoded`);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    return { seconds, peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1000) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
