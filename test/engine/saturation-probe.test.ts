import { expect, it } from "vitest";
import { probeModel } from "../../src/engine/saturation-probe.ts";
import { createGraph } from "../../src/graph/graph.ts";
import { encodeModel } from "../../src/graph/onnx.ts";

it("the probe is the model that its comment describes", () => {
  const graph = createGraph();
  const a = graph.input({ name: "a", type: "uint8", shape: ["M", "K"] });
  const b = graph.input({ name: "b", type: "int8", shape: ["K", "N"] });
  const product = graph.apply("Cast", [graph.apply("MatMulInteger", [a, b])], { to: 1 });
  graph.give("product", product, ["M", "N"]);
  expect(probeModel.equals(encodeModel(graph, { ranges: [], weightsFile: "none" }))).toBe(true);
});
