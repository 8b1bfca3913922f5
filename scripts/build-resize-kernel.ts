/** Compiles src/image/resize-kernel.wat into src/image/resize-kernel.ts. Run it after changing the former. */
import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const folder = new URL("../src/image/", import.meta.url);

export async function compileResizeKernel(): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat("resize-kernel.wat", readFileSync(new URL("resize-kernel.wat", folder), "utf8"));
  return Buffer.from(module.toBinary({}).buffer).toString("base64");
}

if (process.argv[1] === import.meta.filename) {
  const base64 = await compileResizeKernel();
  const source = `/** resize-kernel.wat, compiled by scripts/build-resize-kernel.ts: WebAssembly in base64. */
export const resizeKernel =
  "${base64}";
`;
  writeFileSync(new URL("resize-kernel.ts", folder), source);
}
