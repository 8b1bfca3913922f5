import type { Rows } from "./pca.ts";

/** A row is placed between so many neighbours. */
const neighbours = 4;

/**
 * Gives x and y of all rows: of the sample as they were laid out, of the others the mean of their nearest in the
 * sample.
 */
export function placeByNeighbours(rows: Rows, sample: number[], layout: number[][]): Float32Array {
  const points = new Float32Array(2 * rows.count);
  const isPlaced = new Set(sample);
  for (const [index, row] of sample.entries()) points.set(layout[index]!, 2 * row);
  for (let row = 0; row < rows.count; row++) {
    if (isPlaced.has(row)) continue;
    const nearest = nearestOf(row, rows, sample);
    for (const axis of [0, 1]) {
      const sum = nearest.reduce((total, index) => total + layout[index]![axis]!, 0);
      points[2 * row + axis] = sum / nearest.length;
    }
  }
  return points;
}

/** Gives indices into the sample. */
function nearestOf(row: number, { values, width }: Rows, sample: number[]): number[] {
  const best: { index: number; distance: number }[] = [];
  for (const [index, other] of sample.entries()) {
    let distance = 0;
    for (let i = 0; i < width; i++) distance += (values[row * width + i]! - values[other * width + i]!) ** 2;
    if (best.length === neighbours && distance >= best.at(-1)!.distance) continue;
    best.push({ index, distance });
    best.sort((a, b) => a.distance - b.distance);
    best.length = Math.min(best.length, neighbours);
  }
  return best.map(({ index }) => index);
}
