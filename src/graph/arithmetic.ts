import type { Graph, Value } from "./graph.ts";
import { transposed, type Weight } from "./weight.ts";

/** Says how a tower stores its large weights and multiplies by them. Each precision has one. */
export interface Arithmetic {
  /** Computes x weightᵀ + bias, [..., in] -> [..., out], with weight [out, in] as PyTorch stores it. */
  linear(graph: Graph, operands: LinearOperands): Value;
  /** Computes the same for x uint8, without bias. */
  linearOfBytes(graph: Graph, operands: Omit<LinearOperands, "bias">): Value;
  /** Picks rows of table [rows, width] by ids int64 [...], which gives [..., width]. */
  rows(graph: Graph, operands: { name: string; ids: Value; table: Weight }): Value;
  /** Tells how wide a hidden layer should be that needs `width`; the rest is zeros. */
  paddedWidth(width: number): number;
}

export interface LinearOperands {
  name: string;
  x: Value;
  weight: Weight;
  bias: Weight | undefined;
}

export const fp32: Arithmetic = {
  linear(graph, { name, x, weight, bias }) {
    const product = graph.apply("MatMul", [x, graph.weight(`${name}.weight`, transposed(weight))]);
    return bias ? graph.apply("Add", [product, graph.weight(`${name}.bias`, bias)]) : product;
  },
  linearOfBytes(graph, { name, x, weight }) {
    const floats = graph.apply("Cast", [x], { to: 1 });
    return fp32.linear(graph, { name, x: floats, weight, bias: undefined });
  },
  rows(graph, { name, ids, table }) {
    return graph.apply("Gather", [graph.weight(name, table), ids]);
  },
  // Rows of a multiple of 4,096 bytes begin in the same set of a processor's first cache and push each other out of it.
  paddedWidth: (width) => (width % 1024 === 0 ? width + 16 : width),
};
