import type { Graph, Value } from "./graph.ts";

export interface AttentionOperands {
  /** [N, Q, W], already scaled by 1 / sqrt(D). */
  q: Value;
  /** k and v [N, T, W]. */
  k: Value;
  v: Value;
  heads: number;
  /** Added to the scores before the softmax, [N, 1, Q, T]: 0 where a token counts, very negative where not. */
  mask: Value | undefined;
}

/** softmax(q kᵀ + mask) v for each of H heads of D, side by side again: [N, Q, W]. */
export function attention(graph: Graph, { q, k, v, heads, mask }: AttentionOperands): Value {
  const inputs = mask ? [q, k, v, mask] : [q, k, v];
  return graph.apply("Attention", inputs, { q_num_heads: heads, kv_num_heads: heads, scale: { float: 1 } });
}
