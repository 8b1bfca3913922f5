import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { feedForward } from "../../src/architecture/feed-forward.ts";
import { writeGraph } from "../../src/build/write-graph.ts";
import { openSession } from "../../src/engine/session.ts";
import { type Arithmetic, fp32 } from "../../src/graph/arithmetic.ts";
import { createGraph, type Graph } from "../../src/graph/graph.ts";
import { padded, type Weight } from "../../src/graph/weight.ts";

const [width, hidden, tokens] = [48, 1024, 3];

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "feed-forward-"));
});
afterAll(() => rm(work, { recursive: true }));

function weight(...shape: number[]): Weight {
  const length = shape.reduce((product, size) => product * size, 1);
  return { shape, read: async () => Float32Array.from({ length }, (_, i) => Math.sin(i * 0.37 + shape.length)) };
}

function graphWith(arithmetic: Arithmetic): Graph {
  const graph = createGraph();
  const bytes = graph.input({ name: "x", type: "uint8", shape: ["N", tokens, width] });
  const y = feedForward({
    graph,
    arithmetic,
    x: graph.apply("Cast", [bytes], { to: 1 }),
    first: { name: "first", weight: weight(hidden, width), bias: weight(hidden) },
    second: { name: "second", weight: weight(width, hidden), bias: weight(width) },
    activate: (inner) => graph.apply("Gelu", [inner]),
  });
  graph.give("embeddings", y, ["N", tokens, width]);
  return graph;
}

async function outputs(name: string, arithmetic: Arithmetic): Promise<Float32Array> {
  const signal = new AbortController().signal;
  await writeGraph({ graph: graphWith(arithmetic), directory: work, name, signal, onProgress: () => {} });
  const session = await openSession({ graph: join(work, `${name}.onnx`), threads: 1 });
  try {
    const data = Uint8Array.from({ length: tokens * width }, (_, i) => (i * 41) % 7);
    return await session.run([{ name: "x", data, dims: [1, tokens, width] }]);
  } finally {
    await session.close();
  }
}

it("gives the same bits with a hidden layer that is wider by zeros", async () => {
  const widened = await outputs("widened", fp32);
  const plain = await outputs("plain", { ...fp32, paddedWidth: (width) => width });
  expect(fp32.paddedWidth(hidden)).toBe(1040);
  expect(new Set(plain).size).toBeGreaterThan(width);
  expect(widened).toEqual(plain);
});

it("widens only layers whose rows are a multiple of 4,096 bytes", () => {
  expect([768, 1023, 2048, 3072].map(fp32.paddedWidth)).toEqual([768, 1023, 2064, 3088]);
});

it("pads matrices and vectors with zeros, and leaves alone what fits", async () => {
  const [matrix, vector] = [weight(2, 3), weight(2)];
  const [a, b, c, d, e, f] = await matrix.read();
  expect([...(await padded(matrix, [3, 4]).read())]).toEqual([a, b, c, 0, d, e, f, 0, 0, 0, 0, 0]);
  expect([...(await padded(vector, [4]).read())]).toEqual([...(await vector.read()), 0, 0]);
  expect(padded(matrix, [2, 3])).toBe(matrix);
});
