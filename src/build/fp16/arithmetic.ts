import { type Arithmetic, fp32 } from "../../graph/arithmetic.ts";
import { float16Of } from "../../graph/float16.ts";
import type { Graph, Value } from "../../graph/graph.ts";
import { elementTypes } from "../../graph/onnx.ts";
import { scaled, transposed, type Weight } from "../../graph/weight.ts";

/** About the mean of a picture's bytes: what the patch product adds up stays small, and rounds less. */
const pixelZero = 128;
/** Divides bytes and multiplies their weights, which are so small that half precision has few bits for them. */
const pixelScale = 256;

/**
 * Weights and products in half precision, everything between them in fp32: the residual stream and the layer norms see
 * outliers that 16 bits would cut off or round away. `delayCasts` then lets attention and GELU stay in 16 bits, too.
 * @param fits says of a linear layer whether all its numbers fit in 16 bits; one that does not is computed in fp32.
 */
export function fp16Arithmetic(fits: (layer: string) => boolean): Arithmetic {
  /** Inputs in half precision: queries, keys and values come of the same. */
  const shared = new Map<Value, Value>();
  const half = (graph: Graph, x: Value) => {
    const known = shared.get(x) ?? graph.apply("Cast", [x], { to: elementTypes.float16 });
    shared.set(x, known);
    return known;
  };
  return {
    linear(graph, operands) {
      const { name, x, weight, bias } = operands;
      if (!fits(name)) return fp32.linear(graph, operands);
      const product = graph.apply("MatMul", [half(graph, x), halves(graph, `${name}.weight`, transposed(weight))]);
      const sum = bias ? graph.apply("Add", [product, halves(graph, `${name}.bias`, bias)]) : product;
      return graph.apply("Cast", [sum], { to: elementTypes.float32 });
    },
    linearOfBytes(graph, operands) {
      const { name, x, weight } = operands;
      if (!fits(name)) return fp32.linearOfBytes(graph, operands);
      const floats = graph.apply("Cast", [x], { to: elementTypes.float32 });
      const centred = graph.apply("Sub", [floats, graph.number(pixelZero)]);
      const small = graph.apply("Mul", [centred, graph.number(1 / pixelScale)]); // exact in 16 bits
      const matrix = halves(graph, `${name}.weight`, transposed(scaled(weight, pixelScale)));
      const product = graph.apply("MatMul", [half(graph, small), matrix]);
      const wide = graph.apply("Cast", [product], { to: elementTypes.float32 });
      return graph.apply("Add", [wide, graph.weight(`${name}.offset`, pixelOffset(weight))]);
    },
    rows(graph, { name, ids, table }) {
      const picked = graph.apply("Gather", [halves(graph, name, table), ids]);
      return graph.apply("Cast", [picked], { to: elementTypes.float32 });
    },
    paddedWidth: (width) => width,
  };
}

function halves(graph: Graph, name: string, { shape, read }: Weight): Value {
  return graph.store({ name, type: "float16", shape, read: async () => float16Of(await read()) });
}

/** What pictures all of `pixelZero` would give, with the weights as they are stored. [out, in] -> [out] */
function pixelOffset({ shape, read }: Weight): Weight {
  const [outputs, inputs] = shape as [number, number]; // a linear layer's weight
  return {
    shape: [outputs],
    async read() {
      const values = await read();
      return Float32Array.from({ length: outputs }, (_, output) => {
        let sum = 0; // in float64
        for (let input = 0; input < inputs; input++) sum += values[output * inputs + input]!;
        return sum * pixelZero;
      });
    },
  };
}
