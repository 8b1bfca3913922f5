import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Tensor } from "./contract.ts";
import { probeModel, probeSize, probeValues } from "./saturation-probe.ts";

/**
 * The only module that knows ONNX Runtime. `run` blocks its thread for the whole graph (onnxruntime-node runs
 * synchronously inside its promise), so the service opens sessions in worker threads only.
 */
export interface GraphSession {
  /** Runs the graph on one batch and gives its only output as float32, row-major. */
  run(inputs: Tensor[]): Promise<Float32Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** @param graph the path of an .onnx file, whose external weights lie beside it and are memory-mapped */
export async function openSession({ graph, threads }: { graph: string; threads: number }): Promise<GraphSession> {
  const session = await InferenceSession.create(graph, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    // Spinning threads would take the cores that decoding, tokenising and HTTP need between two batches.
    extra: {
      session: {
        intra_op: { allow_spinning: "0" },
        set_denormal_as_zero: "1",
        // This asks for exact products of int8 models, which are 2.4 times slower where they are not needed.
        x64quantprecision: (await int8Overflows()) ? "1" : "0",
      },
    },
    logSeverityLevel: 3,
  });
  const output = session.outputNames[0]!;
  return {
    async run(inputs) {
      const feeds = Object.fromEntries(inputs.map((input) => [input.name, toOrt(input)]));
      const results = await session.run(feeds);
      const data = results[output]!.data as Float32Array; // both graphs declare a float32 output
      // A copy out of the runtime's memory can be transferred.
      return data.slice() as Float32Array<ArrayBuffer>;
    },
    close: () => session.release(),
  };
}

/** Finds out in 5 ms whether this processor's fast product of uint8 and int8 cuts off large sums. */
async function int8Overflows(): Promise<boolean> {
  const { rows, terms, columns } = probeSize;
  const session = await InferenceSession.create(probeModel, { intraOpNumThreads: 1 });
  const { product } = await session.run({
    a: new OrtTensor("uint8", new Uint8Array(rows * terms).fill(probeValues.a), [rows, terms]),
    b: new OrtTensor("int8", new Int8Array(terms * columns).fill(probeValues.b), [terms, columns]),
  });
  await session.release();
  const sums = product!.data as Float32Array; // the probe declares it so
  return sums.some((sum) => sum !== terms * probeValues.a * probeValues.b);
}

function toOrt({ data, dims }: Tensor): OrtTensor {
  return data instanceof BigInt64Array ? new OrtTensor("int64", data, dims) : new OrtTensor("uint8", data, dims);
}
