import type { Graph, Value } from "./graph.ts";

export interface AttentionOperands {
  /** [N, Q, W], already scaled by 1 / sqrt(D). */
  q: Value;
  /** k and v [N, T, W]. */
  k: Value;
  v: Value;
  heads: number;
  width: number;
  /** Added to the scores before the softmax, [N, 1, 1, T]: 0 where a token counts, very negative where not. */
  mask: Value | undefined;
}

/** softmax(q kᵀ + mask) v for each of H heads of D, side by side again: [N, Q, W]. */
export function attention(graph: Graph, { q, k, v, heads, width, mask }: AttentionOperands): Value {
  const split = (value: Value, order: number[]) => {
    const byHead = graph.apply("Reshape", [value, graph.integers(0, 0, heads, width / heads)]); // [N, T, H, D]
    return graph.apply("Transpose", [byHead], { perm: order });
  };
  let scores = graph.apply("MatMul", [split(q, [0, 2, 1, 3]), split(k, [0, 2, 3, 1])]); // [N, H, Q, T]
  if (mask) scores = graph.apply("Add", [scores, mask]);
  const weights = graph.apply("Softmax", [scores], { axis: -1 });
  const mixed = graph.apply("MatMul", [weights, split(v, [0, 2, 1, 3])]); // [N, H, Q, D]
  const byToken = graph.apply("Transpose", [mixed], { perm: [0, 2, 1, 3] }); // [N, Q, H, D]
  return graph.apply("Reshape", [byToken, graph.integers(0, 0, width)]);
}
