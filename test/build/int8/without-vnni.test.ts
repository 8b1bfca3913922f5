import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { expect, it, onTestFinished } from "vitest";
import { largestPair } from "../../../src/build/int8/quantise.ts";
import { buildTinyModel } from "../../support/tiny-model.ts";

/**
 * Debian's package qemu-user has this program. It runs this Node on a processor that it makes up, some hundred times
 * slower.
 */
const emulator = "qemu-x86_64";
const hasEmulator = process.arch === "x64" && spawnSync(emulator, ["--version"]).status === 0;

/** Prints the image tower's vector of one picture, and which pairs of weights overflow there. */
const program = `
  const { openSession, pairsOverflow } = await import(process.argv[1]);
  const largestPair = Number(process.argv[3]);
  const session = await openSession({ graph: process.argv[2], threads: 1, largestPair });
  const data = Uint8Array.from({ length: 224 * 224 * 3 }, (_, i) => 250 - ((i * 7919) % 37));
  const vector = [...(await session.run([{ name: "pixels", data, dims: [1, 224, 224, 3] }]))];
  const overflows = { ours: await pairsOverflow(largestPair), any: await pairsOverflow() };
  console.log(JSON.stringify({ vector, overflows }));
`;

/**
 * Writes the modules that open a session as JavaScript: emulated, a compiler takes minutes. Beside node_modules they
 * find theirs.
 */
async function transpiledSession(): Promise<string> {
  const root = resolve(import.meta.dirname, "../../..");
  const cache = join(root, "node_modules/.cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "session-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    rewriteRelativeImportExtensions: true,
  };
  for (const name of ["session", "saturation-probe"]) {
    const source = await readFile(join(root, `src/engine/${name}.ts`), "utf8");
    await writeFile(join(folder, `${name}.js`), ts.transpileModule(source, { compilerOptions }).outputText);
  }
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  return pathToFileURL(join(folder, "session.js")).href;
}

it.skipIf(!hasEmulator)(
  "a processor without VNNI gives the same int8 vectors within 1e-3, by its fast products",
  { timeout: 120_000 },
  async () => {
    const directory = await buildTinyModel("int8");
    onTestFinished(() => rm(dirname(directory), { recursive: true }));
    const flags = ["--jitless", "--input-type=module", "-e", program];
    const node = [
      process.execPath,
      ...flags,
      await transpiledSession(),
      join(directory, "image.onnx"),
      String(largestPair),
    ];
    const run = async ([command, ...parameters]: string[]) => {
      const { stdout } = await promisify(execFile)(command!, parameters, { timeout: 110_000 });
      return JSON.parse(stdout);
    };
    const native = await run(node);
    const emulated = await run([emulator, "-cpu", "Haswell-noTSX", ...node]);
    expect(emulated.overflows).toEqual({ ours: false, any: true });
    const expected = unit(native.vector);
    unit(emulated.vector).forEach((value, index) => {
      expect(Math.abs(value - expected[index]!)).toBeLessThan(1e-3);
    });
  },
);

function unit(vector: number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
