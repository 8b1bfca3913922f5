/**
 * This ONNX model computes product float32 [M, N] = a uint8 [M, K] times b int8 [K, N]. Without VNNI, x64 processors
 * add pairs of such products in 16 bits, where 2 * 255 * 127 does not fit; this model shows which arithmetic a machine
 * has. The runtime offers no way to ask. A test makes the bytes anew with src/graph.
 */
export const probeModel = Buffer.from(
  "CAsSEmltYWdlLXRleHQtZW5jb2RlcjrlAQo3CgFhCgFiEg9NYXRNdWxJbnRlZ2VyLjAaD01hdE11bEludGVnZXIuMCINTWF0TXVsSW50ZWdlcgoy" +
    "Cg9NYXRNdWxJbnRlZ2VyLjASBkNhc3QuMRoGQ2FzdC4xIgRDYXN0KgkKAnRvGAGgAQIKJAoGQ2FzdC4xEgdwcm9kdWN0Ggdwcm9kdWN0IghJZGVu" +
    "dGl0eRIFdG93ZXJaFQoBYRIQCg4IAhIKCgMSAU0KAxIBS1oVCgFiEhAKDggDEgoKAxIBSwoDEgFOYhsKB3Byb2R1Y3QSEAoOCAESCgoDEgFNCgMS" +
    "AU5CBAoAEBdCEQoNY29tLm1pY3Jvc29mdBAB",
  "base64",
);

/** M, K and N of the probe, which are whole tiles of every kernel. */
export const probeSize = { rows: 16, terms: 64, columns: 16 };
/** All elements of a and b have these values, the largest of their types. */
export const probeValues = { a: 255, b: 127 };
