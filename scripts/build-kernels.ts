/** Compiles the AssemblyScript of src/image/, each X-kernel.as into X-kernel.ts. Run it after changing one of the former. */
import { readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const folder = new URL("../src/image/", import.meta.url);

/** @returns WebAssembly in base64 */
export async function compileKernel(name: "jpeg" | "resize"): Promise<string> {
  const source = readFileSync(new URL(`${name}-kernel.as`, folder), "utf8");
  let binary: Uint8Array | undefined;
  const options = ["-O3", "--runtime", "stub", "--enable", "simd", "--noAssert", "--outFile", "kernel.wasm"];
  const { error, stderr } = await asc.main(["kernel.ts", ...options], {
    readFile: (file) => (file === "kernel.ts" ? source : null),
    writeFile: (_file, contents) => {
      binary = contents as Uint8Array; // as it gives what ends in .wasm
    },
    listFiles: () => [],
  });
  const complaints = stderr.toString();
  if (error || complaints !== "" || !binary) throw new Error(complaints, { cause: error });
  return Buffer.from(binary).toString("base64");
}

if (process.argv[1] === import.meta.filename) {
  for (const name of ["jpeg", "resize"] as const) {
    const source = `/** WebAssembly in base64: ${name}-kernel.as, compiled by scripts/build-kernels.ts. */
export const ${name}Kernel =
  "${await compileKernel(name)}";
`;
    writeFileSync(new URL(`${name}-kernel.ts`, folder), source);
  }
}
