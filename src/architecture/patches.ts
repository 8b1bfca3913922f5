import type { Value } from "../graph/graph.ts";
import type { Weight } from "../graph/weight.ts";
import type { Builder } from "./layers.ts";

/** How a picture of S x S pixels is cut into G x G patches of P x P, and what colours are fed as 0 and 1. */
export interface Patches {
  imageSize: number;
  patchSize: number;
  width: number;
  mean: [number, number, number];
  std: [number, number, number];
}

/** Counts the patches along one side; the convolution leaves out what does not fill one. */
export function gridOf({ imageSize, patchSize }: Patches): number {
  return Math.floor(imageSize / patchSize);
}

/**
 * Computes the patch convolution without its bias, as a matrix product: its stride is its size, so patches do not
 * overlap. It maps `pixels` uint8 [N, S, S, 3] to [N, G², W], from which `meanColour` is still to be taken.
 */
export function embedPatches(
  { graph, arithmetic }: Builder,
  { patches, convolution, pixels }: { patches: Patches; convolution: Weight; pixels: Value },
): Value {
  const { imageSize, patchSize } = patches;
  const grid = gridOf(patches);
  let x = pixels;
  if (grid * patchSize < imageSize) {
    const end = grid * patchSize;
    x = graph.apply("Slice", [x, graph.integers(0, 0), graph.integers(end, end), graph.integers(1, 2)]);
  }
  x = graph.apply("Reshape", [x, graph.integers(0, grid, patchSize, grid, patchSize * 3)]);
  x = graph.apply("Transpose", [x], { perm: [0, 1, 3, 2, 4] }); // [N, G, G, P, P * 3]
  x = graph.apply("Reshape", [x, graph.integers(0, grid * grid, patchSize * patchSize * 3)]);
  return arithmetic.linearOfBytes(graph, { name: "patch_embedding", x, weight: byteWeight(patches, convolution) });
}

/**
 * Computes the convolution's weight for bytes in picture order. The reference feeds (byte / 255 - mean) / std; the
 * division goes into the weight here, the subtraction into `meanColour`. [W, 3, P, P] -> [W, P * P * 3]
 */
function byteWeight({ patchSize, width, std }: Patches, convolution: Weight): Weight {
  const area = patchSize * patchSize;
  return {
    shape: [width, area * 3],
    async read() {
      const source = await convolution.read();
      const target = new Float32Array(source.length);
      for (let row = 0; row < width; row++) {
        for (let channel = 0; channel < 3; channel++) {
          for (let at = 0; at < area; at++) {
            target[(row * area + at) * 3 + channel] = source[(row * 3 + channel) * area + at]! / (255 * std[channel]!);
          }
        }
      }
      return target;
    },
  };
}

/** What a patch of the mean colour would give, which is to be taken from every patch. [W], in float64 */
export async function meanColour(patches: Patches, convolution: Weight): Promise<Float64Array> {
  const { patchSize, width, mean, std } = patches;
  const area = patchSize * patchSize;
  const source = await convolution.read();
  return Float64Array.from({ length: width }, (_, column) => {
    let total = 0;
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0;
      for (let at = 0; at < area; at++) sum += source[(column * 3 + channel) * area + at]!;
      total += (sum * mean[channel]!) / std[channel]!;
    }
    return total;
  });
}
