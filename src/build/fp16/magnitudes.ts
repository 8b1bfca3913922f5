import { fp32 } from "../../graph/arithmetic.ts";
import { largestFloat16 } from "../../graph/float16.ts";
import type { Graph, Value } from "../../graph/graph.ts";
import type { Weight } from "../../graph/weight.ts";
import type { Measurement } from "../int8/calibration.ts";

/** What other inputs may exceed the measured ones by; a layer that comes nearer to the limit is computed in fp32. */
const headroom = 4;

/** Below 2^-14 half precision loses bits; of a matrix whose largest weight is smaller than this, most would. */
const leastPeak = 2 ** -10;

/**
 * fp32, with a tap on all that half precision would have to hold: the graph's output gains, behind an item's vector, the
 * largest magnitude of each linear layer's input, product and result, and of what attention's scores can reach.
 */
export interface Magnitudes extends Measurement {
  /** Tells whether nothing of the layer comes near the largest number of half precision. */
  fits(layer: string): boolean;
  /** Tells whether the layer makes queries or keys: where scores are large, their rounding moves attention. */
  isScored(layer: string): boolean;
}

export function createMagnitudes(): Magnitudes {
  const largest = new Map<string, number>();
  const peaks = new Map<string, number>();
  const taps: { layers: string[]; value: Value }[] = [];
  const note = (layer: string, magnitude: number) => largest.set(layer, Math.max(largest.get(layer) ?? 0, magnitude));
  /** Weights are measured when they are written. What a bias adds shows in the result. */
  const measured = (layer: string, { shape, read }: Weight): Weight => ({
    shape,
    async read() {
      const values = await read();
      let peak = 0;
      for (const value of values) peak = Math.max(peak, Math.abs(value));
      peaks.set(layer, peak);
      note(layer, peak);
      return values;
    },
  });
  const layerOf = new Map<Value, string>();
  const scored = new Set<string>();

  return {
    arithmetic: {
      ...fp32,
      linear(graph, operands) {
        const { name, x, weight, bias } = operands;
        const product = fp32.linear(graph, { name, x, weight: measured(name, weight), bias: undefined });
        const result = bias ? graph.apply("Add", [product, graph.weight(`${name}.bias`, bias)]) : product;
        for (const value of new Set([x, product, result])) {
          taps.push({ layers: [name], value: largestOf(graph, graph.apply("Abs", [value])) });
        }
        layerOf.set(result, name);
        return result;
      },
      linearOfBytes(graph, operands) {
        const result = fp32.linearOfBytes(graph, operands);
        taps.push({ layers: [operands.name], value: largestOf(graph, graph.apply("Abs", [result])) });
        return result;
      },
    },
    tap(graph) {
      for (const { operator, inputs, attributes } of [...graph.nodes]) {
        const [q, k] = inputs as [Value, Value];
        const [forQueries, forKeys] = [layerOf.get(q), layerOf.get(k)];
        if (operator !== "Attention") continue;
        for (const layer of [forQueries, forKeys]) if (layer !== undefined) scored.add(layer);
        if (forQueries === undefined || forKeys === undefined) continue; // a fixed query stays in fp32, and so do its scores
        const norms = [q, k].map((value) => largestNorm(graph, value, attributes.q_num_heads as number)); // always given
        taps.push({ layers: [forQueries, forKeys], value: graph.apply("Mul", norms) });
      }
      const { name, shape } = graph.output!; // every tower has declared its output
      const joined = graph.apply("Concat", [name, ...taps.map(({ value }) => value)], { axis: 1 });
      graph.give("embeddings_and_taps", joined, [shape[0]!, "taps"]);
    },
    observe(values) {
      for (const [at, { layers }] of taps.entries()) for (const layer of layers) note(layer, values[at]!);
    },
    fits(layer) {
      const isSmall = (peaks.get(layer) ?? 1) < leastPeak; // the patch product scales its weights
      return !isSmall && (largest.get(layer) ?? 0) * headroom < largestFloat16;
    },
    isScored: (layer) => scored.has(layer),
  };
}

/** Gives each item's largest number. [N, ...] -> [N, 1] */
function largestOf(graph: Graph, value: Value): Value {
  const rows = graph.apply("Reshape", [value, graph.integers(0, -1)]);
  return graph.apply("ReduceMax", [rows, graph.integers(1)], { keepdims: 1 });
}

/** Gives the largest length of a query or key: no product of two exceeds |q||k|. [N, T, heads * D] -> [N, 1] */
function largestNorm(graph: Graph, value: Value, heads: number): Value {
  const split = graph.apply("Reshape", [value, graph.integers(0, 0, heads, -1)]);
  return largestOf(graph, graph.apply("ReduceL2", [split, graph.integers(-1)], { keepdims: 0 }));
}
