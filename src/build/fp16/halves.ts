import type { Graph, Node, Value } from "../../graph/graph.ts";
import { elementTypes } from "../../graph/onnx.ts";

/** Operators that half precision serves as well: their results are no larger than their inputs. */
export const safeOperators: ReadonlySet<string> = new Set(["Gelu", "QuickGelu", "Attention"]);

/** Operators whose result has the type of their first input. */
const typedByInput = new Set([...safeOperators, "MatMul", "Add", "Gather"]);

/** Tells the values of a graph that are in half precision, node by node in their order. */
export function createHalves({ stored }: Graph) {
  const halves = new Set(stored.filter(({ type }) => type === "float16").map(({ name }) => name));
  return {
    has: (value: Value) => halves.has(value),
    /** Notes a node whose inputs were noted before. */
    note(node: Node): void {
      const isHalf = typedByInput.has(node.operator) && halves.has(node.inputs[0]!);
      if (isHalf || isCastTo("float16", node)) halves.add(node.outputs[0]!);
    },
  };
}

export function isCastTo(type: "float16" | "float32", { operator, attributes }: Node): boolean {
  return operator === "Cast" && attributes.to === elementTypes[type];
}
