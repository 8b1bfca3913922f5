import type { Arithmetic, LinearOperands } from "../graph/arithmetic.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { padded } from "../graph/weight.ts";

interface FeedForward {
  graph: Graph;
  arithmetic: Arithmetic;
  x: Value;
  first: Layer;
  second: Layer;
  /** It must make zero of zero, as GELU and its approximations do. */
  activate: (x: Value) => Value;
}

type Layer = Omit<LinearOperands, "x">;

/**
 * Computes second(activate(first(x))), the part of a transformer's block that sees each token by itself. Its hidden
 * layer is as wide as the arithmetic likes: what is added is zero and stays so. [..., W] -> [..., W]
 */
export function feedForward({ graph, arithmetic, x, first, second, activate }: FeedForward): Value {
  const [hidden, width] = first.weight.shape as [number, number]; // a linear layer's weight
  const wide = arithmetic.paddedWidth(hidden);
  const bias = first.bias && padded(first.bias, [wide]);
  const inner = arithmetic.linear(graph, { ...first, x, weight: padded(first.weight, [wide, width]), bias });
  return arithmetic.linear(graph, { ...second, x: activate(inner), weight: padded(second.weight, [width, wide]) });
}
