import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";

/** Reads the files of a bulk output by path, its journal aside, with their bytes as base64. */
export function outputFiles(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes("/.journal"));
  return Object.fromEntries(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(directory.length + 1), readFileSync(file).toString("base64")]),
  );
}

/** Reads shape and numbers of a float32 npy file. */
export function readNpy(file: string): { shape: number[]; values: Float32Array } {
  const bytes = readFileSync(file);
  const header = bytes.toString("latin1", 10, 10 + bytes.readUInt16LE(8));
  const shape = /'shape': \((?<shape>[\d, ]+)\)/.exec(header)!.groups!.shape!.split(",").map(Number);
  const data = bytes.subarray(10 + bytes.readUInt16LE(8));
  return { shape, values: new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length)) };
}

export async function readParquet(file: string): Promise<Record<string, unknown>[]> {
  const bytes = readFileSync(file);
  return parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) });
}

export function readJsonLines(file: string): Record<string, unknown>[] {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
