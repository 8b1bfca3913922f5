import { toUnitLength } from "./cosine.ts";

export interface WeightedVector {
  vector: Float32Array;
  /** A negative weight subtracts. */
  weight: number;
}

/** Sums unit vectors by their weights, to unit length again; the sum is undefined where nothing is left. */
export function weightedSum(terms: WeightedVector[]): Float32Array | undefined {
  const [first] = terms;
  if (!first) return undefined;
  const sum = new Float32Array(first.vector.length);
  for (const { vector, weight } of terms) {
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * vector[i]!;
  }
  return toUnitLength(sum);
}
