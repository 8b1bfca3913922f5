import { EncoderError } from "../../src/errors.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";
import { differences, toleranceOf } from "./differences.ts";

/**
 * A file of the corpus with Pillow's pixels, 16 x 16 x 3 bytes, as transparent pictures look over nothing and over
 * white.
 */
export interface ParityCase {
  name: string;
  file: Uint8Array;
  plain: Uint8Array | undefined;
  white: Uint8Array | undefined;
}

const size = 16;
const options = { maxImagePixels: 4_000_000 };
const preprocessors = {
  plain: createPreprocessor({ size, resize: size, background: null }, options),
  white: createPreprocessor({ size, resize: size, background: [255, 255, 255] }, options),
};
export type Background = keyof typeof preprocessors;
export const backgrounds = ["plain", "white"] as const;

/** Mean difference in grey levels. */
export function meanError(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

/** Gives the service's pixels of a file, or the code that it is refused with. */
export async function pixelsOrCode(file: Uint8Array, background: Background): Promise<Uint8Array | string> {
  try {
    return (await preprocessors[background](file)).data;
  } catch (error) {
    if (error instanceof EncoderError) return error.code;
    throw error;
  }
}

/** What is wrong with the service's answers to a file, in a sentence each; differences on purpose are not. */
export async function problemsWith({ name, file, ...expected }: ParityCase): Promise<string[]> {
  const problems: string[] = [];
  for (const background of backgrounds) {
    const got = await pixelsOrCode(file, background);
    const pillow = expected[background];
    const on = `${name} (${background})`;
    const isOnPurpose = (outcome: string) => differences.some((it) => it.outcome === outcome && it.files.test(name));
    if (typeof got === "string") {
      if (pillow && !isOnPurpose("refused")) problems.push(`${on} is refused with ${got}, and Pillow reads it`);
    } else if (!pillow) {
      if (!isOnPurpose("read")) problems.push(`${on} is read, and Pillow refuses it`);
    } else {
      const error = meanError(got, pillow);
      const isFar = error > toleranceOf(name);
      if (isFar && !isOnPurpose("other pixels")) problems.push(`${on} differs by ${error.toFixed(2)} grey levels`);
    }
  }
  return problems;
}
