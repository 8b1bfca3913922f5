import type { Graph, Value } from "./graph.ts";
import { transposed, type Weight } from "./weight.ts";

/** How a tower stores its large weights and multiplies by them: one of these per precision. */
export interface Arithmetic {
  /** x [..., in] -> x weightᵀ + bias [..., out], with weight [out, in] as PyTorch stores it. */
  linear(graph: Graph, operands: LinearOperands): Value;
  /** The same without bias for x uint8. */
  linearOfBytes(graph: Graph, operands: Omit<LinearOperands, "bias">): Value;
  /** ids int64 [...] -> rows of table [rows, width]: [..., width]. */
  rows(graph: Graph, operands: { name: string; ids: Value; table: Weight }): Value;
}

export interface LinearOperands {
  /** Of the stored constants. */
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
};
