import type { Weight } from "../../graph/weight.ts";

/**
 * Gives the matrix [to, from] that makes one axis smaller as Pillow's bicubic filter does: each row has the weights of
 * a new pixel, whose kernel is widened by the scale so that it takes in everything it covers.
 */
export function resizeWeights({ from, to }: { from: number; to: number }): Weight {
  return {
    shape: [to, from],
    async read() {
      const matrix = new Float32Array(to * from);
      const scale = from / to;
      for (let row = 0; row < to; row++) {
        const centre = (row + 0.5) * scale;
        const weights = Array.from({ length: from }, (_, column) => cubic((column + 0.5 - centre) / scale));
        const sum = weights.reduce((total, weight) => total + weight, 0);
        for (const [column, weight] of weights.entries()) matrix[row * from + column] = weight / sum;
      }
      return matrix;
    },
  };
}

/** Computes Keys' cubic convolution kernel with a = -1/2. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}
