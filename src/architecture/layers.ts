import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { Arithmetic, LinearOperands } from "../graph/arithmetic.ts";
import type { Graph, Value } from "../graph/graph.ts";

/** Holds what a tower is written with. */
export interface Builder {
  graph: Graph;
  tensors: Safetensors;
  arithmetic: Arithmetic;
}

/** Adds a linear layer with a bias, whose tensors have its name. [..., inputs] -> [..., outputs] */
export function linear(
  { graph, tensors, arithmetic }: Builder,
  { name, x, inputs, outputs }: { name: string; x: Value; inputs: number; outputs: number },
): Value {
  return arithmetic.linear(graph, { x, ...operands(tensors, name, [outputs, inputs]) });
}

/** Finds the weight [out, in] and the bias [out] of a linear layer by its name. */
export function operands(tensors: Safetensors, name: string, shape: [number, number]): Omit<LinearOperands, "x"> {
  return { name, weight: tensors.weight(`${name}.weight`, shape), bias: tensors.weight(`${name}.bias`, [shape[0]]) };
}

export function layerNorm(
  { graph, tensors }: Builder,
  { width, epsilon }: { width: number; epsilon: number },
  { name, x }: { name: string; x: Value },
): Value {
  const scale = graph.weight(`${name}.weight`, tensors.weight(`${name}.weight`, [width]));
  const bias = graph.weight(`${name}.bias`, tensors.weight(`${name}.bias`, [width]));
  return graph.apply("LayerNormalization", [x, scale, bias], { epsilon: { float: epsilon } });
}
