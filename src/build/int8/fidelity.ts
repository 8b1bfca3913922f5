import type { Fidelity } from "../../model/manifest.ts";
import { cosine } from "../../tower/vectors.ts";

/** A tower must be at least this faithful before `precision: auto` keeps int8. */
const leastFidelity = { mean: 0.995, min: 0.98 };

export function isFaithful({ mean, min }: Fidelity): boolean {
  return mean >= leastFidelity.mean && min >= leastFidelity.min;
}

/** Sums up the cosines between pairs of vectors of the same inputs. p05 is the cosine that 5 % of them stay below. */
export function fidelityOf(exact: readonly Float32Array[], approximate: readonly Float32Array[]): Fidelity {
  // Where a vector has no direction the cosine is NaN, and nothing is faithful to it.
  const cosines = exact.map((vector, index) => cosine(vector, approximate[index]!) || 0).sort((a, b) => a - b);
  const percentile = (share: number) => rounded(cosines[Math.floor(share * (cosines.length - 1))]!);
  return {
    samples: cosines.length,
    mean: rounded(cosines.reduce((sum, value) => sum + value, 0) / cosines.length),
    min: percentile(0),
    p01: percentile(0.01),
    p05: percentile(0.05),
    p50: percentile(0.5),
  };
}

/** Rounds to six decimals, beyond which processors differ, and downwards, so that no figure flatters. */
function rounded(value: number): number {
  return Math.floor(value * 1e6) / 1e6;
}
