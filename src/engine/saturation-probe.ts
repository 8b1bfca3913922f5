/**
 * An ONNX model that computes product float32 [M, N] = a uint8 [M, K] times b int8 [K, N]. Without VNNI, x64 processors
 * add the products of terms 2i and 2i + 1 in 16 bits, where 2 * 255 * 127 does not fit; this model shows which arithmetic
 * a machine has. The runtime offers no way to ask. A test makes the bytes anew with src/graph.
 */
export const probeModel = Buffer.from(
  "CAsSEmltYWdlLXRleHQtZW5jb2RlcjrlAQo3CgFhCgFiEg9NYXRNdWxJbnRlZ2VyLjAaD01hdE11bEludGVnZXIuMCINTWF0TXVsSW50ZWdlcgoy" +
    "Cg9NYXRNdWxJbnRlZ2VyLjASBkNhc3QuMRoGQ2FzdC4xIgRDYXN0KgkKAnRvGAGgAQIKJAoGQ2FzdC4xEgdwcm9kdWN0Ggdwcm9kdWN0IghJZGVu" +
    "dGl0eRIFdG93ZXJaFQoBYRIQCg4IAhIKCgMSAU0KAxIBS1oVCgFiEhAKDggDEgoKAxIBSwoDEgFOYhsKB3Byb2R1Y3QSEAoOCAESCgoDEgFNCgMS" +
    "AU5CBAoAEBdCEQoNY29tLm1pY3Jvc29mdBAB",
  "base64",
);

/** The probe is M x K times K x N, which are whole tiles of every kernel. */
export const probeSize = { rows: 16, terms: 64, columns: 16 };
/** Every element of a is the largest of its type. */
export const largestByte = 255;
const largestWeight = 127;

/**
 * Gives b, in which any terms 2i and 2i + 1 of a column add up to `largestPair` in magnitude: as unequal as can be, either
 * way round, or equal, and positive or negative. Any other two terms may add up to more, so a processor that adds those
 * first is found out.
 */
export function weightsOfPairs(largestPair: number = 2 * largestWeight): Int8Array {
  const most = Math.min(largestPair, largestWeight);
  const half = Math.floor(largestPair / 2);
  const pairs = [
    [most, largestPair - most],
    [largestPair - most, most],
    [half, largestPair - half],
  ];
  const { terms, columns } = probeSize;
  return Int8Array.from({ length: terms * columns }, (_, at) => {
    const column = at % columns;
    const term = Math.floor(at / columns);
    const sign = column < columns / 2 ? 1 : -1;
    return sign * pairs[column % pairs.length]![term % 2]!;
  });
}

/** Computes the true element of the product in a column. */
export function exactSum(weights: Int8Array, column: number): number {
  let sum = 0;
  for (let at = column; at < weights.length; at += probeSize.columns) sum += largestByte * weights[at]!;
  return sum;
}
