import { createRequire } from "node:module";
import { basename } from "node:path";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Tensor } from "./contract.ts";
import type { Device } from "./device.ts";
import "./no-telemetry.ts";
import { packedWeights } from "./pack.ts";
import { exactSum, largestByte, probeModel, probeSize, weightsOfPairs } from "./saturation-probe.ts";

// It is CommonJS. Imported, it would make Node.js set up a parser for such in each engine's thread, which keeps 1 MiB.
const runtime: typeof import("onnxruntime-node") = createRequire(import.meta.url)("onnxruntime-node");

/**
 * Runs a graph. This is the only module that knows ONNX Runtime. `run` blocks its thread for the whole graph
 * (onnxruntime-node runs synchronously inside its promise), so the service opens sessions in worker threads only.
 */
export interface GraphSession {
  /** Runs the graph on one batch and gives its only output as float32, row-major. */
  run(inputs: Tensor[]): Promise<Float32Array<ArrayBuffer>>;
  close(): Promise<void>;
}

export interface SessionOptions extends GraphOptions {
  /** Path of an .onnx file, whose external weights lie beside it and are memory-mapped. */
  graph: string;
  /** Path of the same graph as `packTo` wrote it. Where it cannot be opened, `graph` is, with weights of its own. */
  packed?: string | undefined;
  /** Where `packed` cannot be opened, nothing is. */
  mustBePacked?: boolean | undefined;
}

interface GraphOptions {
  threads: number;
  /** Largest sum of two neighbouring int8 weights; by default, they may be the largest there are. */
  largestPair?: number | undefined;
  /** What runs the graph: the processor, by default. */
  device?: Device;
  /**
   * Path of an .onnx file that the graph is written to, optimized, beside a file of its weights: as they are, and as the
   * products of this processor read them. Sessions that open it map those instead of packing copies of their own. The
   * runtime packs each weight all the same and maps what has the same hash, so nothing else is ever taken for it.
   */
  packTo?: string | undefined;
}

export async function openSession(options: SessionOptions): Promise<GraphSession> {
  const { graph, packed, mustBePacked = false, ...graphOptions } = options;
  const own = () => openGraph(graph, graphOptions);
  const shared = (path: string) => {
    const opening = openGraph(path, graphOptions);
    return mustBePacked ? opening : opening.catch(own);
  };
  const session = await (packed === undefined ? own() : shared(packed));
  const output = session.outputNames[0]!;
  return {
    async run(inputs) {
      const feeds = Object.fromEntries(inputs.map((input) => [input.name, toOrt(input)]));
      const results = await session.run(feeds);
      // Both graphs declare a float32 output. The binding copies it into a buffer of its own, which can be transferred.
      return results[output]!.data as Float32Array<ArrayBuffer>;
    },
    close: () => session.release(),
  };
}

/** Keeps the runtime's own lines of errors, which are thrown as well, out of stderr. It works before the first session. */
export function silenceRuntime(): void {
  runtime.env.logLevel = "fatal";
}

/** @param graph the path of an .onnx file, or its bytes */
export async function openGraph(
  graph: string | Uint8Array,
  { threads, largestPair, device = "cpu", packTo }: GraphOptions,
): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // What is written must suit every processor. What suits this one alone, such as blocks of channels, is left to loading.
    graphOptimizationLevel: packTo === undefined ? "all" : "extended",
    ...(packTo !== undefined && { optimizedModelFilePath: packTo }),
    // A pattern is one more copy of the working memory for each shape of a batch, and no faster.
    enableMemPattern: false,
    extra: {
      session: {
        // A thread that slept whenever another computes alone for a moment would wake up late for the next operator.
        // One that waited for longer would take the cores that decoding, tokenising and HTTP need between two batches.
        intra_op: { allow_spinning: "1", spin_duration_us: "30" },
        set_denormal_as_zero: "1",
        // The slower products of int8 models are exact on every processor.
        x64quantprecision: (await pairsOverflow(largestPair)) ? "1" : "0",
        ...(packTo !== undefined && {
          save_external_prepacked_constant_initializers: "1",
          optimized_model_external_initializers_file_name: basename(packedWeights(packTo)),
          optimized_model_external_initializers_min_size_in_bytes: "1024",
        }),
      },
    },
    logSeverityLevel: 3,
  };
  return typeof graph === "string"
    ? runtime.InferenceSession.create(graph, options)
    : runtime.InferenceSession.create(graph, options);
}

/** Finds out in 5 ms whether this processor's fast product of uint8 and int8 cuts off the sums of such pairs of weights. */
export async function pairsOverflow(largestPair?: number): Promise<boolean> {
  const { rows, terms, columns } = probeSize;
  const weights = weightsOfPairs(largestPair);
  const session = await runtime.InferenceSession.create(probeModel, { intraOpNumThreads: 1 });
  const { product } = await session.run({
    a: new runtime.Tensor("uint8", new Uint8Array(rows * terms).fill(largestByte), [rows, terms]),
    b: new runtime.Tensor("int8", weights, [terms, columns]),
  });
  await session.release();
  const sums = product!.data as Float32Array; // the probe declares it so
  return sums.some((sum, at) => sum !== exactSum(weights, at % columns));
}

function toOrt({ data, dims }: Tensor): OrtTensor {
  return data instanceof BigInt64Array
    ? new runtime.Tensor("int64", data, dims)
    : new runtime.Tensor("uint8", data, dims);
}
