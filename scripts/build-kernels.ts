/**
 * Compiles the WebAssembly of src/image/: resize-kernel.wat into resize-kernel.ts, and jpeg-kernel.as into jpeg-kernel.ts.
 * Run it after changing one of the former.
 */
import { readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import wabt from "wabt";

const folder = new URL("../src/image/", import.meta.url);
const sourceOf = (file: string) => readFileSync(new URL(file, folder), "utf8");

export async function compileResizeKernel(): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat("resize-kernel.wat", sourceOf("resize-kernel.wat"));
  return Buffer.from(module.toBinary({}).buffer).toString("base64");
}

export async function compileJpegKernel(): Promise<string> {
  let binary: Uint8Array | undefined;
  const options = ["-O3", "--runtime", "stub", "--enable", "simd", "--noAssert", "--outFile", "kernel.wasm"];
  const { error, stderr } = await asc.main(["jpeg-kernel.ts", ...options], {
    readFile: (name) => (name === "jpeg-kernel.ts" ? sourceOf("jpeg-kernel.as") : null),
    writeFile: (_name, contents) => {
      binary = contents as Uint8Array; // as it gives what ends in .wasm
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(stderr.toString(), { cause: error });
  return Buffer.from(binary).toString("base64");
}

if (process.argv[1] === import.meta.filename) {
  write("resize", "resize-kernel.wat", await compileResizeKernel());
  write("jpeg", "jpeg-kernel.as", await compileJpegKernel());
}

function write(name: string, from: string, base64: string): void {
  const source = `/** WebAssembly in base64: ${from}, compiled by scripts/build-kernels.ts. */
export const ${name}Kernel =
  "${base64}";
`;
  writeFileSync(new URL(`${name}-kernel.ts`, folder), source);
}
