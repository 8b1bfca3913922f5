/**
 * `npx tsx bench/as-avx2.ts COMMAND…` runs a command so that ONNX Runtime in it takes this processor for one that has
 * AVX2 and nothing newer: on Linux and x64, for measuring that class natively where no such machine is at hand. The
 * library finds out by the instruction XGETBV which registers the system saves. In a copy of the library, outside of this
 * package, these instructions are replaced by two that answer "XMM and YMM" (7). The copy is loaded by LD_PRELOAD. What is
 * measured is this processor's AVX2, not that of an older one; tables say so.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** xor ecx, ecx; xgetbv. The copies that name other state, in tables and data, have no such beginning. */
const askForState = Buffer.from([0x31, 0xc9, 0x0f, 0x01, 0xd0]);
/** xor ecx, ecx; push 7; pop rax. */
const answerAvx2 = Buffer.from([0x31, 0xc9, 0x6a, 0x07, 0x58]);
/** The runtime's own detection and that of its kernels, in 1.30. */
const expectedPlaces = 2;

const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
const name = "libonnxruntime.so.1";
const library = readFileSync(join(runtime, "bin/napi-v6/linux/x64", name));
let places = 0;
for (let at = library.indexOf(askForState); at !== -1; at = library.indexOf(askForState, at + 1)) {
  answerAvx2.copy(library, at);
  places++;
}
if (places !== expectedPlaces) throw new Error(`expected ${expectedPlaces} places that ask for state, found ${places}`);

const folder = mkdtempSync(join(tmpdir(), "as-avx2-"));
const copy = join(folder, name);
writeFileSync(copy, library);
const [command, ...parameters] = process.argv.slice(2);
/** PyTorch and its libraries, among the peers, can be asked. */
const torch = { ATEN_CPU_CAPABILITY: "avx2", ONEDNN_MAX_CPU_ISA: "AVX2", MKL_ENABLE_INSTRUCTIONS: "AVX2" };
const env = { ...process.env, ...torch, LD_PRELOAD: copy, BENCH_PROCESSOR_CLASS: "AVX2 only" };
const child = spawn(command!, parameters, { env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => {
  rmSync(folder, { recursive: true });
  process.exitCode = code ?? 1;
});
