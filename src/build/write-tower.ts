import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Tensor } from "../engine/contract.ts";
import { openSession } from "../engine/session.ts";
import { EncoderError } from "../errors.ts";
import { type Arithmetic, fp32 } from "../graph/arithmetic.ts";
import type { Graph } from "../graph/graph.ts";
import { availableCores } from "../host/available-cores.ts";
import type { Fidelity, FileRecord, Precision } from "../model/manifest.ts";
import { fp16Arithmetic } from "./fp16/arithmetic.ts";
import { delayCasts } from "./fp16/delay-casts.ts";
import { emulate } from "./fp16/emulate.ts";
import { createMagnitudes } from "./fp16/magnitudes.ts";
import { int8Arithmetic } from "./int8/arithmetic.ts";
import { createCalibration, type Measurement } from "./int8/calibration.ts";
import { fidelityOf, isFaithful } from "./int8/fidelity.ts";
import { foldFactors } from "./int8/fold.ts";
import { type PlanOf, planInput } from "./int8/plan.ts";
import { largestPair } from "./int8/quantise.ts";
import type { Samples } from "./int8/samples.ts";
import { writeGraph } from "./write-graph.ts";

/** "auto" keeps int8 where it is faithful to fp32, tower by tower. */
export type PrecisionChoice = Precision | "auto";

export interface TowerOptions {
  precision: PrecisionChoice;
  graphWith(arithmetic: Arithmetic): Graph;
  /** Gives single items as the graph's inputs: some to calibrate with, others to measure with. */
  samples(): Promise<Samples>;
  dimensions: number;
  directory: string;
  name: "image" | "text";
  signal: AbortSignal;
  onProgress: (fraction: number) => void;
}

/**
 * Writes NAME.onnx and NAME.weights in the chosen precision.
 * @returns what the manifest says of the tower, and its files. `fidelity` compares int8 or fp16 with fp32, also where
 * int8's was too low, and the tower is fp32.
 */
export async function writeTower(options: TowerOptions) {
  const { precision, fidelity, files } = await writeInPrecision(options);
  const tower = { graph: `${options.name}.onnx`, precision, ...(fidelity && { fidelity }) };
  return { tower: precision === "int8" ? { ...tower, largestPair } : tower, files };
}

async function writeInPrecision(options: TowerOptions) {
  const { precision } = options;
  if (precision === "fp32") return { precision, files: await write(options, options.graphWith(fp32)) };
  if (precision === "fp16") return { precision, ...(await writeFp16(options)) };
  const calibration = createCalibration();
  const { heldOut, exact } = await reference(options, calibration);

  let best: { fidelity: Fidelity; plan: PlanOf } | undefined;
  const quantised = (plan: PlanOf) => {
    const graph = options.graphWith(int8Arithmetic(plan));
    foldFactors(graph);
    return graph;
  };
  const plans: PlanOf[] = [
    (layer) => planInput(layer, calibration.range(layer.name)),
    () => ({ kind: "perToken", floor: undefined }), // slower, but nothing depends on what calibration has seen
  ];
  for (const plan of plans) {
    const files = await write(options, quantised(plan));
    const fidelity = fidelityOf(exact, await vectors(options, { directory: options.directory, items: heldOut }));
    if (isFaithful(fidelity)) return { precision: "int8" as const, files, fidelity };
    if (!best || fidelity.mean > best.fidelity.mean) best = { fidelity, plan };
  }
  const { fidelity, plan } = best!; // there is at least one plan
  return precision === "auto"
    ? { precision: "fp32" as const, files: await write(options, options.graphWith(fp32)), fidelity }
    : { precision: "int8" as const, files: await write(options, quantised(plan)), fidelity };
}

/** Whoever asks for fp16 expects fp32's vectors at half the size: anything less close is an error. */
const leastFp16Fidelity = 0.9999;

async function writeFp16(options: TowerOptions) {
  const magnitudes = createMagnitudes();
  const { heldOut, exact } = await reference(options, magnitudes);
  const halfGraph = (fits: (layer: string) => boolean) => {
    const graph = options.graphWith(fp16Arithmetic(fits));
    delayCasts(graph);
    return graph;
  };
  const plans = [
    magnitudes.fits,
    (layer: string) => magnitudes.fits(layer) && !magnitudes.isScored(layer), // slower: all of attention in fp32
  ];
  let best = 0;
  for (const fits of plans) {
    const emulated = halfGraph(fits);
    emulate(emulated);
    const approximate = await aside(options, emulated, (directory) => vectors(options, { directory, items: heldOut }));
    const fidelity = fidelityOf(exact, approximate);
    if (fidelity.min >= leastFp16Fidelity) return { files: await write(options, halfGraph(fits)), fidelity };
    best = Math.max(best, fidelity.min);
  }
  const message = `In fp16 the ${options.name} tower's vectors come to a cosine of ${best} with fp32's; expected at least ${leastFp16Fidelity}. Build it with --precision fp32.`;
  throw new EncoderError("CHECKPOINT_INVALID", message);
}

/** Runs the tower in fp32: measures with some samples and keeps the vectors of the others. */
async function reference(
  options: TowerOptions,
  measurement: Measurement,
): Promise<{ heldOut: Tensor[][]; exact: Float32Array[] }> {
  const graph = options.graphWith(measurement.arithmetic);
  measurement.tap(graph);
  return aside(options, graph, async (directory) => {
    const { calibration, heldOut } = await options.samples();
    await vectors(options, { directory, items: calibration, onTaps: (taps) => measurement.observe(taps) });
    return { heldOut, exact: await vectors(options, { directory, items: heldOut }) };
  });
}

/** Writes a graph that is no part of the model, for as long as it is measured. */
async function aside<T>(options: TowerOptions, graph: Graph, measure: (directory: string) => Promise<T>): Promise<T> {
  const directory = join(options.directory, "calibration");
  await mkdir(directory);
  try {
    await writeGraph({ ...options, graph, directory });
    return await measure(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function write(options: TowerOptions, graph: Graph): Promise<Record<string, FileRecord>> {
  const { directory, name } = options;
  for (const suffix of ["onnx", "weights"]) await rm(join(directory, `${name}.${suffix}`), { force: true });
  return writeGraph({ ...options, graph });
}

interface Run {
  directory: string;
  items: Tensor[][];
  /** Called with what a calibrating graph puts behind each vector. */
  onTaps?: (taps: Float32Array) => void;
}

async function vectors({ name, dimensions, signal }: TowerOptions, { directory, items, onTaps }: Run) {
  const session = await openSession({ graph: join(directory, `${name}.onnx`), threads: availableCores(), largestPair });
  try {
    const embeddings: Float32Array[] = [];
    for (const inputs of items) {
      signal.throwIfAborted();
      const output = await session.run(inputs);
      embeddings.push(output.slice(0, dimensions));
      onTaps?.(output.subarray(dimensions));
    }
    return embeddings;
  } finally {
    await session.close();
  }
}
