import { cpus } from "node:os";
import { type ReadText, readTextFile } from "./text-file.ts";

/** Instructions that decide what 8-bit products cost, the fastest first, as Linux spells them in /proc/cpuinfo. */
const classes: readonly (readonly [flag: string, name: string])[] = [
  ["amx_int8", "AMX"],
  ["avx512_vnni", "AVX-512 VNNI"],
  ["avx_vnni", "AVX-VNNI"],
  ["avx2", "AVX2 only"],
];

/** Names the class that a figure of speed belongs to (docs/performance.md), or the architecture if that is unknown. */
export function processorClass(read: ReadText = readTextFile): string {
  const [, flags = ""] = /^flags\s*:(.*)$/m.exec(read("/proc/cpuinfo")) ?? [];
  const known = new Set(flags.trim().split(" "));
  return classes.find(([flag]) => known.has(flag))?.[1] ?? process.arch;
}

/** Tells whether the processor has instructions for products of 8-bit numbers, which are several times as fast. */
export function hasInt8Products(read: ReadText = readTextFile): boolean {
  const ofThisProcessor = processorClass(read);
  return classes.some(([flag, name]) => name === ofThisProcessor && flag !== "avx2");
}

/** Tells processors apart that may need other machine code: the model's name, and all that it says it can do. */
export function processorIdentity(read: ReadText = readTextFile): string {
  const [flags = ""] = /^(?:flags|Features)\s*:.*$/m.exec(read("/proc/cpuinfo")) ?? [];
  return [process.platform, process.arch, cpus()[0]?.model.trim(), flags].join("\n");
}

/** Writes cores, model and class of the processor, and the version of Node.js, for the heading of a measurement. */
export function machineSummary(): string {
  const model = cpus()[0]?.model.trim() ?? "an unknown kind";
  return `${cpus().length} cores of ${model} (${processorClass()}), Node ${process.versions.node}`;
}
