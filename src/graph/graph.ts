import type { Weight } from "./weight.ts";

export type Value = string;

/** float16 elements are their bits. */
export type ElementType = "float32" | "float16" | "uint8" | "int8" | "int64";
export type Elements = Float32Array | Uint16Array | Uint8Array | Int8Array | BigInt64Array;
export type Attribute = number | string | readonly number[] | { float: number };

export interface Node {
  operator: string;
  /** "" is ONNX's own set of operators. */
  domain: "" | "com.microsoft";
  inputs: readonly Value[];
  outputs: readonly Value[];
  attributes: Readonly<Record<string, Attribute>>;
}

/** Describes a constant too large for the graph file: its elements are read when the graph is written. */
interface StoredConstant {
  name: Value;
  type: ElementType;
  shape: readonly number[];
  read(): Promise<Elements>;
}

/** Holds a constant inside the graph file: a shape, axes, a single number. */
export interface InlineConstant {
  name: Value;
  type: ElementType;
  shape: readonly number[];
  elements: Elements;
}

export interface Port {
  name: Value;
  type: ElementType;
  /** A name is a size that varies from run to run. */
  shape: readonly (number | string)[];
}

/** Collects an ONNX graph. Values are numbered in order, so that equal towers give equal bytes. */
export interface Graph {
  readonly inputs: Port[];
  nodes: Node[];
  stored: StoredConstant[];
  readonly inline: InlineConstant[];
  output: Port | undefined;

  input(port: Port): Value;
  /** Applies an operator that has one result. */
  apply(operator: string, inputs: readonly Value[], attributes?: Record<string, Attribute>): Value;
  /** Gives the operator that computes a value; it is undefined for inputs and constants. */
  operatorOf(value: Value): string | undefined;
  /** Declares the only output, under a name of its own. */
  give(name: string, value: Value, shape: Port["shape"]): void;
  /** Adds a float32 constant, which is stored. */
  weight(name: string, weight: Weight): Value;
  store(constant: StoredConstant): Value;
  /** Adds an int64 vector. */
  integers(...values: number[]): Value;
  /** Adds a float32 scalar. */
  number(value: number): Value;
  /** Adds a uint8 scalar. */
  byte(value: number): Value;
}

/** The towers use these operators of ONNX Runtime's own. */
const microsoft = new Set(["QuickGelu", "MatMulIntegerToFloat"]);

export function createGraph(): Graph {
  const graph: Graph = {
    inputs: [],
    nodes: [],
    stored: [],
    inline: [],
    output: undefined,
    input(port) {
      graph.inputs.push(port);
      return port.name;
    },
    apply(operator, inputs, attributes = {}) {
      return add(operator, inputs, attributes, [`${operator}.${graph.nodes.length}`])[0]!;
    },
    operatorOf: (value) => graph.nodes.find(({ outputs }) => outputs.includes(value))?.operator,
    give(name, value, shape) {
      add("Identity", [value], {}, [name]);
      graph.output = { name, type: "float32", shape };
    },
    weight: (name, { shape, read }) => graph.store({ name, type: "float32", shape, read }),
    store(constant) {
      graph.stored.push(constant);
      return constant.name;
    },
    integers: (...values) => inline("int64", [values.length], BigInt64Array.from(values, BigInt)),
    number: (value) => inline("float32", [], Float32Array.of(value)),
    byte: (value) => inline("uint8", [], Uint8Array.of(value)),
  };

  function add(operator: string, inputs: readonly Value[], attributes: Record<string, Attribute>, outputs: Value[]) {
    const domain = microsoft.has(operator) ? "com.microsoft" : "";
    graph.nodes.push({ operator, domain, inputs, outputs, attributes });
    return outputs;
  }

  function inline(type: ElementType, shape: number[], elements: Elements): Value {
    const name = `${type}[${elements.join()}]`;
    if (!graph.inline.some((known) => known.name === name)) graph.inline.push({ name, type, shape, elements });
    return name;
  }
  return graph;
}
