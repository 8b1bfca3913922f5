import { float32Of } from "../../graph/float16.ts";
import type { Graph, Node, Value } from "../../graph/graph.ts";
import { attendInSteps } from "./attention-steps.ts";
import { createHalves, isCastTo } from "./halves.ts";

/** x * splitter - (x * splitter - x) rounds a float32 to the 11 bits of half precision (Veltkamp, 1968). */
const splitter = 2 ** 13 + 1;

/**
 * Makes a float32 graph of one in half precision that rounds wherever that one does. The runtime's processor kernels
 * compute half precision in float32 and leave out the roundings between, so that only this shows what a GPU gives.
 */
export function emulate(graph: Graph): void {
  const halves = createHalves(graph);
  const before = graph.nodes;
  graph.nodes = [];
  const add = (operator: string, inputs: Value[], output: Value) =>
    graph.nodes.push({ operator, domain: "", inputs, outputs: [output], attributes: {} });
  const round = (value: Value, output: Value) => {
    add("Mul", [value, graph.number(splitter)], `${output}.split`);
    add("Sub", [`${output}.split`, value], `${output}.low`);
    add("Sub", [`${output}.split`, `${output}.low`], output);
  };

  for (const node of before) {
    halves.note(node);
    const [output] = node.outputs as [Value]; // every operator has one
    const [first] = node.inputs as [Value];
    if (isCastTo("float16", node)) round(first, output);
    else if (isCastTo("float32", node) && halves.has(first)) add("Identity", [first], output);
    else if (halves.has(output) && node.operator === "Attention") attendInSteps(graph, node, round);
    else if (halves.has(output) && node.operator !== "Gather") {
      graph.nodes.push({ ...node, outputs: [`${output}.exact`] } satisfies Node);
      round(`${output}.exact`, output);
    } else graph.nodes.push(node);
  }
  graph.stored = graph.stored.map((constant) =>
    constant.type === "float16"
      ? { ...constant, type: "float32", read: async () => float32Of((await constant.read()) as Uint16Array) } // by its type
      : constant,
  );
}
