import type { Arithmetic, LinearOperands } from "../../graph/arithmetic.ts";
import type { Graph, Value } from "../../graph/graph.ts";
import type { InputPlan, PlanOf } from "./plan.ts";
import { type QuantisedMatrix, quantisedMatrix, quantisedRows } from "./quantise.ts";

/** uint8 values for 0: in inputs that are symmetric about it, and in those that have GELU's small dip below it. */
const symmetricZero = 128;
const activationZero = 32;

const gelus = new Set<string | undefined>(["Gelu", "QuickGelu"]);

/** About the mean of a picture's bytes: the products' rounding errors then cancel instead of adding up. */
const pixelZero = 128;

/**
 * Multiplies uint8 inputs by int8 weights, the pair of types for which processors have instructions (VNNI, AMX).
 * Integer sums are exact, so an item's vector does not depend on its batch. docs/int8.md has the measurements behind
 * each choice.
 */
export function int8Arithmetic(planOf: PlanOf): Arithmetic {
  /** Queries, keys and values have the same input, which becomes bytes once. */
  const shared = new Map<Value, Value>();
  return {
    linear(graph, operands) {
      const { name, x, weight, bias } = operands;
      const plan = planOf({ name, followsGelu: gelus.has(graph.operatorOf(x)) });
      if (plan.kind === "perToken") return perTokenLinear(graph, operands, plan);
      const { scale, divisors } = plan; // equal wherever x is, as it comes of what x was during calibration
      const bytes = shared.get(x) ?? fixedBytes(graph, { name, x, scale, divisors });
      shared.set(x, bytes);
      const quantised = quantisedMatrix(weight, divisors);
      return product(graph, { name, x: bytes, quantised, shape: weight.shape, scale, zero: symmetricZero, bias });
    },

    linearOfBytes(graph, { name, x, weight }) {
      const quantised = quantisedMatrix(weight);
      const offset = {
        shape: [weight.shape[0]!],
        read: async () => Float32Array.from((await quantised()).sums, (sum) => sum * pixelZero),
      };
      return product(graph, { name, x, quantised, shape: weight.shape, scale: 1, zero: pixelZero, bias: offset });
    },

    rows(graph, { name, ids, table }) {
      const [rows, width] = table.shape as [number, number]; // a table of rows
      const quantised = quantisedRows(table);
      const [integers, scales] = storeQuantised(graph, { name, quantised, shape: [rows, width], scales: [rows, 1] });
      const values = graph.apply("Cast", [graph.apply("Gather", [integers, ids])], { to: 1 });
      return graph.apply("Mul", [values, graph.apply("Gather", [scales, ids])]);
    },

    paddedWidth: (width) => width,
  };
}

interface Quantised {
  name: string;
  quantised(): Promise<{ integers: Int8Array; scales: Float32Array }>;
  /** Shapes of the integers and of their scales. */
  shape: number[];
  scales: number[];
}

/** Stores NAME.integers and NAME.scales, which come of one reading. */
function storeQuantised(graph: Graph, { name, quantised, shape, scales }: Quantised): [Value, Value] {
  const readIntegers = async () => (await quantised()).integers;
  const readScales = async () => (await quantised()).scales;
  return [
    graph.store({ name: `${name}.integers`, type: "int8", shape, read: readIntegers }),
    graph.store({ name: `${name}.scales`, type: "float32", shape: scales, read: readScales }),
  ];
}

function fixedBytes(
  graph: Graph,
  { name, x, scale, divisors }: { name: string; x: Value; scale: number; divisors: Float32Array | undefined },
): Value {
  let tamed = x;
  if (divisors) {
    const read = async () => Float32Array.from(divisors, (divisor) => 1 / divisor);
    tamed = graph.apply("Mul", [x, graph.weight(`${name}.factors`, { shape: [divisors.length], read })]);
  }
  return graph.apply("QuantizeLinear", [tamed, graph.number(scale), graph.byte(symmetricZero)]);
}

/** Splits x into tokenScale * unit, whose largest value is 1: unit is quantised, tokenScale multiplies the product. */
function perTokenLinear(
  graph: Graph,
  { name, x, weight, bias }: LinearOperands,
  { floor }: InputPlan & { kind: "perToken" },
): Value {
  const zero = floor === undefined ? symmetricZero : activationZero;
  const steps = 255 - zero;
  // The least token scale at which nothing above -floor is cut off.
  const leastScale = floor === undefined ? 1e-20 : (floor * steps) / zero;
  const magnitudes = floor === undefined ? graph.apply("Abs", [x]) : x;
  const largest = graph.apply("ReduceMax", [magnitudes, graph.integers(-1)], { keepdims: 1 });
  const tokenScale = graph.apply("Max", [largest, graph.number(leastScale)]);
  const unit = graph.apply("Mul", [x, graph.apply("Reciprocal", [tokenScale])]);
  const scale = Math.fround(1 / steps);
  const bytes = graph.apply("QuantizeLinear", [unit, graph.number(scale), graph.byte(zero)]);
  const quantised = quantisedMatrix(weight);
  const scaled = product(graph, { name, x: bytes, quantised, shape: weight.shape, scale, zero, bias: undefined });
  const result = graph.apply("Mul", [scaled, tokenScale]);
  return bias ? graph.apply("Add", [result, graph.weight(`${name}.bias`, bias)]) : result;
}

interface Product {
  name: string;
  /** uint8 [..., in] */
  x: Value;
  quantised: () => Promise<QuantisedMatrix>;
  /** [out, in] */
  shape: readonly number[];
  /** x stands for (x - zero) * scale. */
  scale: number;
  zero: number;
  bias: LinearOperands["bias"];
}

function product(graph: Graph, { name, x, quantised, shape, scale, zero, bias }: Product): Value {
  const [outputs, inputs] = shape as [number, number]; // a linear layer's weight
  const [integers, scales] = storeQuantised(graph, { name, quantised, shape: [inputs, outputs], scales: [outputs] });
  // Optional, but where int8 would overflow the runtime rewrites it together with the weights, so each has its own.
  const weightZero = graph.store({ name: `${name}.zero`, type: "int8", shape: [], read: async () => Int8Array.of(0) });
  const operands = [x, integers, graph.number(scale), scales, graph.byte(zero), weightZero];
  if (bias) operands.push(graph.weight(`${name}.bias`, bias));
  return graph.apply("MatMulIntegerToFloat", operands);
}
