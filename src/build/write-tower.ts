import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Tensor } from "../engine/contract.ts";
import { openSession } from "../engine/session.ts";
import { type Arithmetic, fp32 } from "../graph/arithmetic.ts";
import type { Graph } from "../graph/graph.ts";
import { availableCores } from "../host/available-cores.ts";
import type { Fidelity, FileRecord, Precision } from "../model/manifest.ts";
import { int8Arithmetic } from "./int8/arithmetic.ts";
import { type Calibration, createCalibration } from "./int8/calibration.ts";
import { fidelityOf, isFaithful } from "./int8/fidelity.ts";
import { foldFactors } from "./int8/fold.ts";
import { type PlanOf, perTokenPlan, planInput } from "./int8/plan.ts";
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

export interface WrittenTower {
  tower: {
    graph: string;
    precision: Precision;
    /** This compares int8 with fp32, also where it was too low and the tower is fp32. */
    fidelity?: Fidelity;
    largestPair?: number;
  };
  files: Record<string, FileRecord>;
}

/** Writes NAME.onnx and NAME.weights in the chosen precision. */
export async function writeTower(options: TowerOptions): Promise<WrittenTower> {
  const { precision, fidelity, files } = await writeInPrecision(options);
  const tower = { graph: `${options.name}.onnx`, precision, ...(fidelity && { fidelity }) };
  return { tower: precision === "int8" ? { ...tower, largestPair } : tower, files };
}

async function writeInPrecision(options: TowerOptions) {
  if (options.precision === "fp32") return { precision: "fp32" as const, files: await write(options, fp32) };
  const { calibration, heldOut, exact } = await reference(options);

  let best: { fidelity: Fidelity; plan: PlanOf } | undefined;
  const plans: PlanOf[] = [(layer) => planInput(layer, calibration.range(layer.name)), perTokenPlan];
  for (const plan of plans) {
    const files = await write(options, int8Arithmetic(plan));
    const approximate = await vectors(options, { directory: options.directory, items: heldOut });
    const fidelity = fidelityOf(exact, approximate);
    if (isFaithful(fidelity)) return { precision: "int8" as const, files, fidelity };
    if (!best || fidelity.mean > best.fidelity.mean) best = { fidelity, plan };
  }
  const { fidelity, plan } = best!; // there is at least one plan
  return options.precision === "auto"
    ? { precision: "fp32" as const, files: await write(options, fp32), fidelity }
    : { precision: "int8" as const, files: await write(options, int8Arithmetic(plan)), fidelity };
}

/** Runs the tower in fp32: calibrates with some samples and keeps the vectors of the others. */
async function reference(
  options: TowerOptions,
): Promise<{ calibration: Calibration; heldOut: Tensor[][]; exact: Float32Array[] }> {
  const calibration = createCalibration();
  const graph = options.graphWith(calibration.arithmetic);
  calibration.tap(graph);
  const directory = join(options.directory, "calibration");
  await mkdir(directory);
  try {
    await writeGraph({ ...options, graph, directory });
    const samples = await options.samples();
    await vectors(options, {
      directory,
      items: samples.calibration,
      onTaps: (taps) => calibration.observe(taps),
    });
    const exact = await vectors(options, { directory, items: samples.heldOut });
    return { calibration, heldOut: samples.heldOut, exact };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function write(options: TowerOptions, arithmetic: Arithmetic): Promise<Record<string, FileRecord>> {
  const { directory, name } = options;
  for (const suffix of ["onnx", "weights"]) await rm(join(directory, `${name}.${suffix}`), { force: true });
  const graph = options.graphWith(arithmetic);
  foldFactors(graph);
  return writeGraph({ ...options, graph });
}

interface Run {
  directory: string;
  items: Tensor[][];
  /** This is given what a calibrating graph puts behind each vector. */
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
