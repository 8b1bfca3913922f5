/**
 * Compares the service's pixels with Pillow's: npm run parity [-- --pack | --fuzz COUNT] [--seed N] [--python PROGRAM] [--keep FOLDER].
 * Without a choice, it makes the corpus anew and compares; --pack renews the fixture of the short form; --fuzz damages the
 * corpus's files and looks for those that are read with pixels far from Pillow's. It needs Python with numpy and pillow.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { configureDecoder } from "../../src/image/vips.ts";
import { type ParityCase, problemsWith } from "./compare.ts";
import { packCorpus, parseCase, unpackCorpus } from "./corpus.ts";
import { findFarPixels } from "./fuzz.ts";
import { openPillow } from "./pillow.ts";

const fixture = resolve(import.meta.dirname, "../../test/fixtures/parity/corpus.json.gz");
const { values } = parseArgs({
  options: {
    pack: { type: "boolean" },
    fuzz: { type: "string" },
    seed: { type: "string", default: "1" },
    python: { type: "string", default: "python3" },
    keep: { type: "string" },
    only: { type: "string", default: "" },
  },
});

configureDecoder();
if (values.fuzz) await fuzz(Number(values.fuzz));
else await compare();

async function compare(): Promise<void> {
  const cases = makeCorpus();
  if (values.pack) writeFileSync(fixture, packCorpus(cases));
  const problems: string[] = [];
  for (const one of cases) problems.push(...(await problemsWith(one)));
  for (const problem of problems) console.log(problem);
  console.log(`${cases.length} files, ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
}

function makeCorpus(): ParityCase[] {
  const script = join(import.meta.dirname, "corpus.py");
  const lines = execFileSync(values.python, [script], { maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", "ignore"] });
  return lines.toString().trim().split("\n").map(parseCase);
}

async function fuzz(count: number): Promise<void> {
  const cases = unpackCorpus(readFileSync(fixture)).filter(({ name }) => name.startsWith(values.only));
  const pillow = openPillow(
    spawn(values.python, [join(import.meta.dirname, "pillow.py")], { stdio: ["pipe", "pipe", "ignore"] }),
  );
  const { findings, read } = await findFarPixels({ cases, count, seed: Number(values.seed), pillow });
  pillow.close();
  for (const { name, error, file } of findings) {
    console.log(`${name} differs by ${error.toFixed(1)} grey levels`);
    if (!values.keep) continue;
    mkdirSync(values.keep, { recursive: true });
    writeFileSync(join(values.keep, `${name}-${error.toFixed(0)}`), file);
  }
  console.log(`${count} damaged files, ${read} read by both, ${findings.length} far from Pillow's`);
  if (findings.length > 0) process.exitCode = 1;
}
