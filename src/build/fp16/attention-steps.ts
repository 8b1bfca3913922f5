import type { Graph, Node, Value } from "../../graph/graph.ts";
import { lowestMask } from "./delay-casts.ts";

/**
 * Computes an Attention node step by step, and rounds the scores, the weights and the result. ONNX Runtime has kernels
 * that keep all of these in half precision; others keep more bits.
 * @param round adds the nodes that round the first value, which gives the second
 */
export function attendInSteps(graph: Graph, node: Node, round: (value: Value, output: Value) => void): void {
  const [output] = node.outputs as [Value]; // every operator has one
  const [q, k, v, mask] = node.inputs as [Value, Value, Value, Value | undefined];
  const {
    q_num_heads: heads,
    scale,
    is_causal: isCausal,
  } = node.attributes as {
    q_num_heads: number;
    scale: { float: number };
    is_causal?: number;
  };
  const add = (step: string, operator: string, inputs: Value[], attributes: Node["attributes"] = {}): Value => {
    graph.nodes.push({ operator, domain: "", inputs, outputs: [`${output}.${step}`], attributes });
    return `${output}.${step}`;
  };
  const rounded = (value: Value): Value => {
    round(value, `${value}.rounded`);
    return `${value}.rounded`;
  };
  /** [N, T, H * D] -> [N, H, T, D] or as `perm` says */
  const headsOf = (name: string, value: Value, perm = [0, 2, 1, 3]): Value => {
    const split = add(`${name}.split`, "Reshape", [value, graph.integers(0, 0, heads, -1)]);
    return add(name, "Transpose", [split], { perm });
  };

  const products = add("products", "MatMul", [headsOf("q", q), headsOf("k", k, [0, 2, 3, 1])]);
  let scores = rounded(add("scores", "Mul", [products, graph.number(scale.float)]));
  if (mask !== undefined) scores = rounded(add("masked", "Add", [scores, mask]));
  if (isCausal) {
    const lowest = add("lowest", "Expand", [graph.number(lowestMask), add("shape", "Shape", [scores])]);
    scores = add("past", "Add", [scores, add("future", "Trilu", [lowest, graph.integers(1)], { upper: 1 })]);
  }
  const weights = rounded(add("weights", "Softmax", [scores], { axis: -1 }));
  const mixed = add("mixed", "Transpose", [add("heads", "MatMul", [weights, headsOf("v", v)])], { perm: [0, 2, 1, 3] });
  round(add("exact", "Reshape", [mixed, graph.integers(0, 0, -1)]), output);
}
