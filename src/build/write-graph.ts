import { join } from "node:path";
import type { Graph } from "../graph/graph.ts";
import { alignment, bytesOf, encodeModel, type StoredRange } from "../graph/onnx.ts";
import type { FileRecord } from "../model/manifest.ts";
import { writeBytes, writePieces } from "../storage/write-through.ts";

/** Writes a graph as NAME.onnx and NAME.weights, one constant in memory at a time. */
export async function writeGraph(options: {
  graph: Graph;
  directory: string;
  name: string;
  signal: AbortSignal;
  /** Called after each constant with the share of the tower that is written, from 0 to 1. */
  onProgress: (fraction: number) => void;
}): Promise<Record<string, FileRecord>> {
  const { graph, directory, name, signal, onProgress } = options;
  const weightsFile = `${name}.weights`;
  const graphFile = `${name}.onnx`;
  const ranges: StoredRange[] = [];
  const weights = await writePieces(join(directory, weightsFile), async (append) => {
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
  return { [graphFile]: await writeBytes(join(directory, graphFile), model), [weightsFile]: weights };
}
