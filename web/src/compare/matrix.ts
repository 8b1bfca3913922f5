import { cosine } from "../vectors/cosine.ts";

/** Holds cosines of each row with each column; they are undefined where a vector is missing, or another model's. */
export type Matrix = (number | undefined)[][];

export function cosineMatrix(
  rows: readonly (Float32Array | undefined)[],
  columns: readonly (Float32Array | undefined)[],
): Matrix {
  return rows.map((row) =>
    columns.map((column) => (row && column?.length === row.length ? cosine(row, column) : undefined)),
  );
}

export function columnOf(matrix: Matrix, index: number): number[] {
  return matrix.flatMap((row) => row[index] ?? []);
}

/** Where values lie between the smallest and the largest of all, from 0 to 1. */
export function heatScale(matrix: Matrix): (value: number) => number {
  const values = matrix.flat().filter((value) => value !== undefined);
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  return (value) => (range > 0 ? (value - least) / range : 0.5);
}
