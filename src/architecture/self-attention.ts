import { attention } from "../graph/attention.ts";
import type { Value } from "../graph/graph.ts";
import { linearOf } from "../graph/weight.ts";
import { type Builder, operands } from "./layers.ts";

interface SelfAttention {
  /** Names the four linear layers, all [W, W]. */
  nameOf(layer: "q" | "k" | "v" | "out"): string;
  /** What is asked for, [N, Q, W], among all the tokens, [N, T, W]. */
  queries: Value;
  x: Value;
  heads: number;
  width: number;
  /** Added to the scores before the softmax, [N, 1, Q, T]. */
  mask?: Value;
  isCausal?: boolean;
}

/**
 * Computes out(attention(q(queries), k(x), v(x))), [N, Q, W]. Two of the four biases need no pass of their own: that of
 * the keys adds the same to all scores of a query, which the softmax takes away, and that of the values comes out as it
 * is, since weights sum to 1, and is added with that of `out`.
 */
export function selfAttention({ graph, tensors, arithmetic }: Builder, options: SelfAttention): Value {
  const { nameOf, queries, x, width, ...rest } = options;
  const layer = (which: "q" | "k" | "v" | "out") => operands(tensors, nameOf(which), [width, width]);
  const [v, out] = [layer("v"), layer("out")];
  const attended = attention(graph, {
    q: arithmetic.linear(graph, { ...layer("q"), x: queries }),
    k: arithmetic.linear(graph, { ...layer("k"), x, bias: undefined }),
    v: arithmetic.linear(graph, { ...v, x, bias: undefined }),
    width,
    ...rest,
  });
  return arithmetic.linear(graph, { ...out, x: attended, bias: linearOf(v.bias!, { ...out, bias: out.bias! }) });
}
