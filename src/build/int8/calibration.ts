import { type Arithmetic, fp32 } from "../../graph/arithmetic.ts";
import type { Graph, Value } from "../../graph/graph.ts";
import type { InputRange } from "./plan.ts";

/** Measures what a tower computes in fp32. */
export interface Measurement {
  arithmetic: Arithmetic;
  /** Lengthens the output of a graph that was built with `arithmetic`: taps follow an item's vector. */
  tap(graph: Graph): void;
  /** Notes one item's taps. */
  observe(taps: Float32Array): void;
}

/**
 * Builds in fp32, with a tap on the input of each linear layer: the graph's output gains, behind an item's vector, the
 * largest and the least value that each input channel took among its tokens. [N, dimensions + taps]
 */
export function createCalibration(): Measurement & { range(name: string): InputRange } {
  const layers = new Map<string, { inputs: number; extremes: Value[]; range: InputRange }>();
  return {
    arithmetic: {
      ...fp32,
      linear(graph, operands) {
        const inputs = operands.weight.shape[1]!;
        const tokens = graph.apply("Reshape", [operands.x, graph.integers(0, -1, inputs)]); // [N, T, in]
        const extremes = ["ReduceMax", "ReduceMin"].map((operator) =>
          graph.apply(operator, [tokens, graph.integers(1)], { keepdims: 0 }),
        );
        const range = {
          max: new Float32Array(inputs).fill(Number.NEGATIVE_INFINITY),
          min: new Float32Array(inputs).fill(Number.POSITIVE_INFINITY),
        };
        layers.set(operands.name, { inputs, extremes, range });
        return fp32.linear(graph, operands);
      },
      paddedWidth: (width) => width, // a channel that is all zeros has no range
    },
    tap(graph) {
      const { name, shape } = graph.output!; // every tower has declared its output
      const joined = graph.apply("Concat", [name, ...[...layers.values()].flatMap(({ extremes }) => extremes)], {
        axis: 1,
      });
      graph.give("embeddings_and_taps", joined, [shape[0]!, "taps"]);
    },
    observe(taps) {
      let at = 0;
      for (const { inputs, range } of layers.values()) {
        for (let channel = 0; channel < inputs; channel++) {
          range.max[channel] = Math.max(range.max[channel]!, taps[at + channel]!);
          range.min[channel] = Math.min(range.min[channel]!, taps[at + inputs + channel]!);
        }
        at += 2 * inputs;
      }
    },
    range: (name) => layers.get(name)!.range, // the graph that was measured had the same layers
  };
}
