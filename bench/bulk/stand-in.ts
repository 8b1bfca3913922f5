import { createHash } from "node:crypto";
import type { Encoder, ImageInput } from "../../src/encoder/encoder.ts";
import { fakeEncoder } from "../../test/support/fake-encoder.ts";

/** Makes an encoder that gives 512 numbers for each input at once, other ones for each, and decodes nothing. */
export function standIn(): Encoder {
  const { manifest } = fakeEncoder();
  const vectorOf = (input: string | ImageInput) => {
    const vector = new Float32Array(manifest.dimensions);
    const bytes = createHash("sha256")
      .update(input instanceof Uint8Array ? input : JSON.stringify(input))
      .digest();
    for (let i = 0; i < vector.length; i++) vector[i] = bytes[i % bytes.length]! / 255;
    return vector;
  };
  const encode = async (inputs: readonly (string | ImageInput)[]) => ({ embeddings: inputs.map(vectorOf) });
  return { manifest, encodeTexts: encode, encodeImages: encode } as unknown as Encoder; // a run needs no more of it
}
