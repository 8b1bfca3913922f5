import { execFile, spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { buildTinyModel } from "../../support/tiny-model.ts";

/** Debian's package qemu-user. It runs this Node on a processor that it makes up, some hundred times slower. */
const emulator = "qemu-x86_64";
const hasEmulator = process.arch === "x64" && spawnSync(emulator, ["--version"]).status === 0;

/** Prints the image tower's vector of one picture. It must be JavaScript: emulated, a compiler takes minutes. */
const program = `
  const { openSession } = await import(process.argv[1]);
  const session = await openSession({ graph: process.argv[2], threads: 1 });
  const data = Uint8Array.from({ length: 224 * 224 * 3 }, (_, i) => 250 - ((i * 7919) % 37));
  const vector = await session.run([{ name: "pixels", data, dims: [1, 224, 224, 3] }]);
  console.log(JSON.stringify([...vector]));
`;

it.skipIf(!hasEmulator)(
  "a processor without VNNI gives the same int8 vectors within 1e-3",
  { timeout: 120_000 },
  async () => {
    const directory = await buildTinyModel("int8");
    const session = new URL("../../../dist/engine/session.js", import.meta.url).href;
    const node = [
      process.execPath,
      "--jitless",
      "--input-type=module",
      "-e",
      program,
      session,
      join(directory, "image.onnx"),
    ];
    const vectorOf = async ([command, ...parameters]: string[]) => {
      const { stdout } = await promisify(execFile)(command!, parameters, { timeout: 110_000 });
      return unit(JSON.parse(stdout));
    };
    const native = await vectorOf(node);
    const emulated = await vectorOf([emulator, "-cpu", "Haswell-noTSX", ...node]);
    emulated.forEach((value, index) => {
      expect(Math.abs(value - native[index]!)).toBeLessThan(1e-3);
    });
    await rm(dirname(directory), { recursive: true });
  },
);

function unit(vector: number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
