import type { Weight } from "../../graph/weight.ts";

/**
 * Holds a matrix [in, out] as int8, symmetric about zero, with a scale for each output: value ≈ integer * scale. Two
 * integers of one output add up to at most `largestPair` where a processor may add their products first.
 */
export interface QuantisedMatrix {
  integers: Int8Array;
  scales: Float32Array;
  /** Σ over the inputs of the original weights, in float64: what a constant input of 1 gives. [out] */
  sums: Float64Array;
}

/** Reads a weight [out, in] once, multiplies its input channels by `inputScales`, and quantises it. */
export function quantisedMatrix(weight: Weight, inputScales?: Float32Array): () => Promise<QuantisedMatrix> {
  const [outputs, inputs] = weight.shape as [number, number]; // a linear layer's weight
  return once(async () => {
    const values = await weight.read();
    const integers = new Int8Array(values.length);
    const scales = new Float32Array(outputs);
    const sums = new Float64Array(outputs);
    for (let output = 0; output < outputs; output++) {
      const row = values.subarray(output * inputs, (output + 1) * inputs);
      for (let input = 0; input < inputs; input++) {
        sums[output]! += row[input]!;
        if (inputScales) row[input]! *= inputScales[input]!;
      }
      scales[output] = pairScale(row);
      for (let input = 0; input < inputs; input++) {
        integers[input * outputs + output] = Math.round(row[input]! / scales[output]!);
      }
    }
    return { integers, scales, sums };
  });
}

/** Stores a table's rows as int8 with a scale each. */
export function quantisedRows(table: Weight): () => Promise<{ integers: Int8Array; scales: Float32Array }> {
  const [rows, width] = table.shape as [number, number]; // a table of rows
  return once(async () => {
    const values = await table.read();
    const integers = new Int8Array(values.length);
    const scales = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      const [from, to] = [row * width, (row + 1) * width];
      const scale = scaleFrom(values.subarray(from, to).reduce((most, value) => Math.max(most, Math.abs(value)), 0));
      scales[row] = scale;
      for (let at = from; at < to; at++) integers[at] = Math.round(values[at]! / scale);
    }
    return { integers, scales };
  });
}

/** Gives the float32 that takes the largest magnitude to 127, or 1 for all zeros, which any scale leaves zero. */
function scaleFrom(largest: number): number {
  // A denormal scale would be flushed to zero; whatever is that small is zero beside any other term.
  return largest < 1e-30 ? 1 : Math.fround(largest / 127);
}

/**
 * No two weights of one output at inputs 2i and 2i + 1 have a sum of a greater magnitude. Processors without VNNI add
 * the products of such pairs in 16 bits, where 255 * 128 still fits, so their sums are exact too.
 */
export const largestPair = 128;

/** Gives the float32 scale that takes the largest pair to 127; rounding adds at most a half to each of its two weights. */
function pairScale(row: Float32Array): number {
  let largest = 0;
  for (let at = 0; at < row.length; at += 2) {
    const first = row[at]!;
    const second = row[at + 1] ?? 0;
    largest = Math.max(largest, Math.abs(first), Math.abs(second), Math.abs(first + second));
  }
  return scaleFrom(largest);
}

/** Integers and scales are separate constants of a graph; they come of one reading. */
function once<T>(compute: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined;
  return () => {
    pending ??= compute();
    return pending;
  };
}
