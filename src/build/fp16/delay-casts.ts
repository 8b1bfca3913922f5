import type { Graph, Node, Value } from "../../graph/graph.ts";
import { elementTypes } from "../../graph/onnx.ts";
import { createHalves, isCastTo, safeOperators } from "./halves.ts";

/** The least that a mask adds to a score: it takes a weight to zero as -1e9 does, which half precision cannot hold. */
export const lowestMask = -60_000;

/**
 * Moves casts to float32 behind the operators that do not need them, and takes out a cast to half precision of what was
 * just cast from it: queries, keys, values and what the MLP's activation gives then never leave half precision.
 */
export function delayCasts(graph: Graph): void {
  const before = graph.nodes;
  graph.nodes = [];
  const halves = createHalves(graph);
  /** The half that a float32 value was cast from. */
  const halfOf = new Map<Value, Value>();
  /** What stands for a value that is computed no longer. */
  const sameAs = new Map<Value, Value>();

  const add = (node: Node) => {
    graph.nodes.push(node);
    halves.note(node);
    const [first] = node.inputs as [Value];
    if (isCastTo("float32", node) && halves.has(first)) halfOf.set(node.outputs[0]!, first);
  };
  const halfMask = (mask: Value): Value => {
    const half = `${mask}.half`;
    if (halves.has(half)) return half; // the layers of a tower share one
    const inputs = [mask, graph.number(lowestMask)];
    add({ operator: "Max", domain: "", inputs, outputs: [`${mask}.limited`], attributes: {} });
    add(castNode(`${mask}.limited`, half, "float16"));
    return half;
  };

  for (const original of before) {
    const node = { ...original, inputs: original.inputs.map((input) => sameAs.get(input) ?? input) };
    const [output] = node.outputs as [Value]; // every operator has one
    const half = halfOf.get(node.inputs[0]!);
    if (isCastTo("float16", node) && half !== undefined) sameAs.set(output, half);
    else if (safeOperators.has(node.operator) && node.inputs.slice(0, 3).every((input) => halfOf.has(input))) {
      const operands = node.inputs.slice(0, 3).map((input) => halfOf.get(input)!);
      const mask = node.inputs.slice(3).map(halfMask);
      add({ ...node, inputs: [...operands, ...mask], outputs: [`${output}.half`] });
      add(castNode(`${output}.half`, output, "float32"));
    } else add(node);
  }
  removeUnread(graph);
}

function castNode(from: Value, to: Value, type: "float16" | "float32"): Node {
  return { operator: "Cast", domain: "", inputs: [from], outputs: [to], attributes: { to: elementTypes[type] } };
}

/** Takes out casts that nobody reads any more, the last ones first. */
function removeUnread(graph: Graph): void {
  const read = new Set<Value>([graph.output!.name]); // every tower has declared its output
  graph.nodes = graph.nodes
    .toReversed()
    .filter(({ inputs, outputs }) => {
      if (!outputs.some((output) => read.has(output))) return false;
      for (const input of inputs) read.add(input);
      return true;
    })
    .toReversed();
}
