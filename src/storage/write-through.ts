import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Graph } from "../graph/graph.ts";
import { alignment, bytesOf, encodeModel, type StoredRange } from "../graph/onnx.ts";
import type { FileRecord } from "../model/manifest.ts";
import { storing } from "./staging.ts";

/** Writes a graph as NAME.onnx and NAME.weights, one constant in memory at a time. */
export async function writeGraph(options: {
  graph: Graph;
  directory: string;
  name: string;
  signal: AbortSignal;
  /** Told after each constant how much of the tower is written, from 0 to 1. */
  onProgress: (fraction: number) => void;
}): Promise<Record<string, FileRecord>> {
  const { graph, directory, name, signal, onProgress } = options;
  const weightsFile = `${name}.weights`;
  const graphFile = `${name}.onnx`;
  const ranges: StoredRange[] = [];
  const weights = await writeFile(join(directory, weightsFile), async (append) => {
    let offset = 0;
    for (const constant of graph.stored) {
      signal.throwIfAborted();
      const bytes = bytesOf(await constant.read());
      const padding = (alignment - (offset % alignment)) % alignment;
      await append(new Uint8Array(padding));
      await append(bytes);
      ranges.push({ offset: offset + padding, bytes: bytes.length });
      offset += padding + bytes.length;
      onProgress(ranges.length / graph.stored.length);
    }
  });
  const model = encodeModel(graph, { ranges, weightsFile });
  const record = await writeFile(join(directory, graphFile), (append) => append(model));
  return { [graphFile]: record, [weightsFile]: weights };
}

export async function writeBytes(path: string, bytes: Uint8Array): Promise<FileRecord> {
  return writeFile(path, (append) => append(bytes));
}

/** Writes a new file through to the disk. */
async function writeFile(
  path: string,
  produce: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<FileRecord> {
  const hash = createHash("sha256");
  let written = 0;
  const handle = await storing(() => open(path, "wx"));
  try {
    await produce((bytes) =>
      storing(async () => {
        hash.update(bytes);
        for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
        written += bytes.length;
      }),
    );
    await storing(() => handle.sync());
  } finally {
    await handle.close();
  }
  return { bytes: written, sha256: hash.digest("hex") };
}
