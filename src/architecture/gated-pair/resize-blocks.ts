import type { Weight } from "../../graph/weight.ts";

/** Says which pixels [first, end) of an axis some new ones are made of, and with which weights, [new ones, seen ones]. */
export interface ResizeBlock {
  first: number;
  end: number;
  weight: Weight;
}

/** A kernel sees few pixels of a whole axis, and a block of new ones not many more: the other weights would be zeros. */
const newPixels = 24;

/**
 * Makes one axis smaller as Pillow's bicubic filter does, in blocks from the first new pixel to the last. Each row of a
 * weight makes one new pixel; the kernel is widened by the scale so that it takes in everything that the pixel covers.
 */
export function resizeBlocks({ from, to }: { from: number; to: number }): ResizeBlock[] {
  const scale = from / to;
  const centreOf = (pixel: number) => (pixel + 0.5) * scale;
  return Array.from({ length: Math.ceil(to / newPixels) }, (_, block) => {
    const top = block * newPixels;
    const rows = Math.min(newPixels, to - top);
    const first = Math.max(0, Math.floor(centreOf(top) - 2 * scale));
    const end = Math.min(from, Math.ceil(centreOf(top + rows - 1) + 2 * scale));
    const seen = end - first;
    const read = async () => {
      const matrix = new Float32Array(rows * seen);
      for (let row = 0; row < rows; row++) {
        const weights = Array.from({ length: seen }, (_, i) => cubic((first + i + 0.5 - centreOf(top + row)) / scale));
        const sum = weights.reduce((total, weight) => total + weight, 0);
        matrix.set(
          weights.map((weight) => weight / sum),
          row * seen,
        );
      }
      return matrix;
    };
    return { first, end, weight: { shape: [rows, seen], read } };
  });
}

/** Computes Keys' cubic convolution kernel with a = -1/2. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}
