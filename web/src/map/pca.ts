import { createRandom } from "./random.ts";

/** Holds rows of equal length, one after the other. */
export interface Rows {
  values: Float32Array;
  count: number;
  width: number;
}

/** The directions of so many rows are, to the eye, those of all. */
const mostExamined = 2000;
/** After so many rounds the leading directions of such data no longer move visibly. */
const rounds = 8;

/** Gives the rows along their leading principal directions: count × components, by subspace iteration. */
export function principalComponents(rows: Rows, components: number): Rows {
  const centred = centre(rows);
  const { count, width } = centred;
  const examined = everyFew(centred, mostExamined);
  const random = createRandom(1);
  // basis: components × width
  let basis = Float32Array.from({ length: components * width }, () => random() - 0.5);
  orthonormalise(basis, components, width);
  for (let round = 0; round < rounds; round++) {
    const scores = project(examined, basis, components);
    const next = new Float32Array(components * width);
    for (let row = 0; row < examined.count; row++) {
      for (let c = 0; c < components; c++) {
        const score = scores[row * components + c]!;
        for (let i = 0; i < width; i++) next[c * width + i]! += score * examined.values[row * width + i]!;
      }
    }
    orthonormalise(next, components, width);
    basis = next;
  }
  return { values: project(centred, basis, components), count, width: components };
}

/** At most so many rows, spread evenly over all. */
function everyFew({ values, count, width }: Rows, most: number): Rows {
  if (count <= most) return { values, count, width };
  const chosen = new Float32Array(most * width);
  for (let at = 0; at < most; at++) {
    const row = Math.floor((at * count) / most);
    chosen.set(values.subarray(row * width, (row + 1) * width), at * width);
  }
  return { values: chosen, count: most, width };
}

function centre({ values, count, width }: Rows): Rows {
  const mean = new Float32Array(width);
  for (let at = 0; at < values.length; at++) mean[at % width]! += values[at]! / count;
  return { values: values.map((value, at) => value - mean[at % width]!), count, width };
}

function project({ values, count, width }: Rows, basis: Float32Array, components: number): Float32Array {
  const scores = new Float32Array(count * components);
  for (let row = 0; row < count; row++) {
    for (let c = 0; c < components; c++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += values[row * width + i]! * basis[c * width + i]!;
      scores[row * components + c] = sum;
    }
  }
  return scores;
}

/** Runs Gram and Schmidt's process, in place. */
function orthonormalise(basis: Float32Array, components: number, width: number): void {
  for (let c = 0; c < components; c++) {
    const vector = basis.subarray(c * width, (c + 1) * width);
    for (let before = 0; before < c; before++) {
      const other = basis.subarray(before * width, (before + 1) * width);
      const overlap = vector.reduce((sum, value, i) => sum + value * other[i]!, 0);
      for (let i = 0; i < width; i++) vector[i]! -= overlap * other[i]!;
    }
    const length = Math.hypot(...vector) || 1;
    for (let i = 0; i < width; i++) vector[i]! /= length;
  }
}
