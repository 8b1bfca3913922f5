import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { foldFactors } from "../../../src/build/int8/fold.ts";
import { writeGraph } from "../../../src/build/write-graph.ts";
import { openSession } from "../../../src/engine/session.ts";
import { attention } from "../../../src/graph/attention.ts";
import { createGraph, type Graph, type Value } from "../../../src/graph/graph.ts";

const width = 4;
const bytes = { name: "x", data: Uint8Array.of(7, 250, 31, 90, 200, 3, 64, 128), dims: [1, 2, width] };

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "fold-"));
});
afterAll(() => rm(work, { recursive: true }));

const vector = (graph: Graph, name: string, values: number[]) =>
  graph.weight(name, { shape: [values.length], read: async () => Float32Array.from(values) });

/** Computes what a graph that ends in `build`'s result gives for two tokens of four channels. */
async function outputs(name: string, graph: Graph): Promise<Float32Array> {
  const signal = new AbortController().signal;
  await writeGraph({ graph, directory: work, name, signal, onProgress: () => {} });
  const session = await openSession({ graph: join(work, `${name}.onnx`), threads: 1 });
  try {
    return await session.run([{ ...bytes, data: bytes.data.slice() }]);
  } finally {
    await session.close();
  }
}

/** Builds the graph twice, once with its factors folded. */
async function both(name: string, build: (graph: Graph, x: Value) => Value) {
  const graphs = [createGraph(), createGraph()].map((graph) => {
    const x = graph.input({ name: "x", type: "uint8", shape: ["N", 2, width] });
    graph.give("embeddings", build(graph, x), ["N", 2, width]);
    return graph;
  });
  const [plain, folded] = graphs as [Graph, Graph];
  foldFactors(folded);
  const operators = folded.nodes.map(({ operator }) => operator);
  return { operators, plain: await outputs(`${name}-plain`, plain), folded: await outputs(`${name}-folded`, folded) };
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(2 * width);
  for (const [index, value] of actual.entries()) expect(value).toBeCloseTo(expected[index]!, 5);
}

function norm(graph: Graph, x: Value): Value {
  const scale = vector(graph, "norm.weight", [1, 2, -3, 0.5]);
  const bias = vector(graph, "norm.bias", [0.1, -0.2, 0.3, 4]);
  return graph.apply("LayerNormalization", [graph.apply("Cast", [x], { to: 1 }), scale, bias]);
}

function projection(graph: Graph, x: Value, name: string, seed: number): Value {
  const read = async () => Int8Array.from({ length: width * width }, (_, i) => ((i * 37 + seed * 11) % 17) - 8);
  const integers = graph.store({ name: `${name}.integers`, type: "int8", shape: [width, width], read });
  const zero = graph.store({ name: `${name}.zero`, type: "int8", shape: [], read: async () => Int8Array.of(0) });
  const scales = vector(graph, `${name}.scales`, [0.5, 0.25, 1, 2]);
  const bias = vector(graph, `${name}.bias`, [1, -1, 0.5, seed]);
  return graph.apply("MatMulIntegerToFloat", [x, integers, graph.number(0.01), scales, graph.byte(128), zero, bias]);
}

const factors = [0.5, 1, 4, 0.125];

describe("folding factors", () => {
  it("moves a factor per channel into the layer norm before it", async () => {
    const result = await both("norm", (graph, x) =>
      graph.apply("Mul", [norm(graph, x), vector(graph, "factors", factors)]),
    );
    expect(result.operators).not.toContain("Mul");
    expectClose(result.folded, result.plain);
  });

  it("moves a factor per channel behind attention into the values that it mixes", async () => {
    const result = await both("attention", (graph, x) => {
      const [q, k, v] = ["q", "k", "v"].map((name, seed) => projection(graph, x, name, seed)) as [Value, Value, Value];
      const attended = attention(graph, { q, k, v, heads: 2, width });
      return graph.apply("Mul", [attended, vector(graph, "factors", factors)]);
    });
    expect(result.operators).not.toContain("Mul");
    expectClose(result.folded, result.plain);
  });

  it("leaves a layer norm alone that somebody else reads as it is", async () => {
    const result = await both("shared", (graph, x) => {
      const normed = norm(graph, x);
      return graph.apply("Add", [normed, graph.apply("Mul", [normed, vector(graph, "factors", factors)])]);
    });
    expect(result.operators).toContain("Mul");
    expect(result.folded).toEqual(result.plain);
  });

  it("leaves factors alone that are computed", async () => {
    const result = await both("computed", (graph, x) => {
      const normed = norm(graph, x);
      return graph.apply("Mul", [normed, graph.apply("Cast", [x], { to: 1 })]);
    });
    expect(result.operators).toContain("Mul");
    expect(result.folded).toEqual(result.plain);
  });
});
