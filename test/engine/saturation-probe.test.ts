import { expect, it } from "vitest";
import { exactSum, largestByte, probeModel, probeSize, weightsOfPairs } from "../../src/engine/saturation-probe.ts";
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

it.each([128, 254])("its weights add up to %i in pairs and to more in any others, with either sign", (largestPair) => {
  const weights = weightsOfPairs(largestPair);
  const { terms, columns } = probeSize;
  for (let column = 0; column < columns; column++) {
    const sign = column < columns / 2 ? 1 : -1;
    for (let term = 0; term < terms; term += 2) {
      const pair = weights[term * columns + column]! + weights[(term + 1) * columns + column]!;
      expect(pair).toBe(sign * largestPair);
    }
    expect(exactSum(weights, column)).toBe((sign * largestByte * largestPair * terms) / 2);
  }
  const otherPair = weights[0]! + weights[2 * columns]!;
  expect(otherPair).toBe(254);
});
