import type { Graph, Node, Value } from "../../graph/graph.ts";

/**
 * Takes multiplications by a constant per channel out of a finished graph, where what comes before can do them for nothing: a
 * layer norm in its scale and bias, attention in the values that it mixes (it adds up whole channels, so a factor for a channel
 * of its result is one for that channel of the values). Only where nobody else reads what is multiplied.
 */
export function foldFactors(graph: Graph): void {
  for (const multiplication of graph.nodes.filter(({ operator }) => operator === "Mul")) {
    const [x, factors] = multiplication.inputs as [Value, Value]; // as every multiplication
    const constants = readers(graph, x) === 1 ? constantsThatScale(graph, x) : undefined;
    if (!constants?.every((constant) => readers(graph, constant) === 1)) continue;
    if (![factors, ...constants].every((name) => graph.stored.some((constant) => constant.name === name))) continue;
    for (const constant of constants) scaleConstant(graph, constant, factors);
    bypass(graph, multiplication);
  }
}

/** Finds the constants of one value per channel that a result is proportional to, all of them together. */
function constantsThatScale(graph: Graph, result: Value): Value[] | undefined {
  const { operator, inputs } = producer(graph, result) ?? { operator: "", inputs: [] };
  if (operator === "LayerNormalization") return inputs.slice(1); // scale, bias
  if (operator !== "Attention") return undefined;
  const values = inputs[2]!;
  const product = producer(graph, values);
  if (product?.operator !== "MatMulIntegerToFloat" || readers(graph, values) !== 1) return undefined;
  const [, , , scales, , , bias] = product.inputs;
  return bias === undefined ? [scales!] : [scales!, bias];
}

function scaleConstant(graph: Graph, name: Value, factors: Value): void {
  const index = graph.stored.findIndex((constant) => constant.name === name);
  const constant = graph.stored[index]!;
  const by = graph.stored.find((constant) => constant.name === factors)!;
  graph.stored[index] = {
    ...constant,
    async read() {
      const [values, factors] = (await Promise.all([constant.read(), by.read()])) as Float32Array[]; // as their types say
      return values!.map((value, channel) => value * factors![channel]!);
    },
  };
}

/** Lets the readers of a multiplication read what it multiplied; its factors are stored no longer. */
function bypass(graph: Graph, { inputs: [x, factors], outputs: [result] }: Node): void {
  graph.nodes = graph.nodes
    .filter(({ outputs }) => outputs[0] !== result)
    .map((node) => ({ ...node, inputs: node.inputs.map((input) => (input === result ? x! : input)) }));
  graph.stored = graph.stored.filter(({ name }) => name !== factors);
}

const producer = ({ nodes }: Graph, value: Value) => nodes.find(({ outputs }) => outputs.includes(value));
const readers = ({ nodes }: Graph, value: Value) =>
  nodes.reduce((count, { inputs }) => count + inputs.filter((input) => input === value).length, 0);
