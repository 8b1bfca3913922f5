import type { Graph, Value } from "./graph.ts";

export interface AttentionOperands {
  /** [N, Q, W] */
  q: Value;
  /** [N, T, W], as `v` */
  k: Value;
  v: Value;
  heads: number;
  width: number;
  /** Added to the scores before the softmax, [N, 1, Q, T]: 0 where a token counts, very negative where not. */
  mask?: Value;
  isCausal?: boolean;
}

/** Computes softmax(q kᵀ / sqrt(D) + mask) v for each of H heads of D, and joins the heads again: [N, Q, W]. */
export function attention(graph: Graph, { q, k, v, heads, width, mask, isCausal }: AttentionOperands): Value {
  const inputs = mask ? [q, k, v, mask] : [q, k, v];
  const scale = { float: (width / heads) ** -0.5 };
  const causal = isCausal ? { is_causal: 1 } : {};
  return graph.apply("Attention", inputs, { q_num_heads: heads, kv_num_heads: heads, scale, ...causal });
}
