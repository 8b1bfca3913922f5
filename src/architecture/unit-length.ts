import type { Graph, Value } from "../graph/graph.ts";

/** Divides each row of [N, D] by its length. */
export function unitLength(graph: Graph, x: Value): Value {
  const length = graph.apply("ReduceL2", [x, graph.integers(1)], { keepdims: 1 });
  return graph.apply("Div", [x, graph.apply("Max", [length, graph.number(1e-12)])]);
}
