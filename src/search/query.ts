import { EncoderError } from "../errors.ts";

/** A part of a question is what is looked for, and how much of it; a negative weight asks for less of it. */
export interface Term {
  value: { text: string } | { picture: string };
  weight: number;
}

/**
 * Reads "golden retriever + ./pool.jpg - fruit", with weights as in "2: snow". A term that begins like a path or a URL is a
 * picture. Signs count between blanks alone, so that "t-shirt" stays whole.
 */
export function parseQuery(text: string): Term[] {
  const pieces = text.trim().split(/\s+([+-])\s+/);
  const terms: Term[] = [];
  for (let i = 0; i < pieces.length; i += 2) {
    const sign = pieces[i - 1] === "-" ? -1 : 1;
    const { weight, rest } = /^(?<weight>\d+(?:\.\d+)?):\s*(?<rest>.+)$/s.exec(pieces[i]!)?.groups ?? {};
    const value = (rest ?? pieces[i]!).trim();
    const isPicture = /^(\.{0,2}\/|~\/|https?:\/\/)/.test(value);
    terms.push({ value: isPicture ? { picture: value } : { text: value }, weight: sign * Number(weight ?? 1) });
  }
  return terms;
}

/**
 * Computes the weighted sum of unit vectors, of unit length again.
 * @throws EncoderError INVALID_REQUEST where nothing is left of it
 */
export function combine(vectors: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const sum = new Float64Array(vectors[0]!.length);
  for (const [i, vector] of vectors.entries())
    for (const [j, value] of vector.entries()) sum[j]! += weights[i]! * value;
  const length = Math.hypot(...sum);
  if (!(length > 1e-6 && length < Number.POSITIVE_INFINITY)) {
    const problem =
      length > 1 ? "The numbers of the query are too large" : "The parts of the query cancel each other out";
    throw new EncoderError("INVALID_REQUEST", `${problem}; nothing is left to look for.`);
  }
  return Float32Array.from(sum, (value) => value / length);
}
