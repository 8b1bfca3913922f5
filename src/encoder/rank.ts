import { EncoderError } from "../errors.ts";
import type { Manifest } from "../model/manifest.ts";
import type { EncodeOptions, Encoder } from "./encoder.ts";
import { encodeItems, type Item } from "./items.ts";

export interface RankRequest {
  query: Item;
  candidates: readonly Item[];
  /** Tells whether each candidate gets the model's own probability. */
  probabilities?: boolean;
  /** Limits the results to the best ones; by default, all are returned. */
  top?: number;
}

export interface Ranked {
  /** Position among the candidates. */
  index: number;
  /** From -1 to 1. */
  cosine: number;
  /** With a softmax it is over all candidates; with a sigmoid, it is of this one alone. */
  probability?: number;
}

export interface Ranking {
  probabilityKind?: "softmax" | "sigmoid";
  /** The best come first. */
  results: Ranked[];
}

/** A failed item has no cosines, and cosines are those of unit length. */
type Call = Omit<EncodeOptions, "normalize" | "onError">;

/**
 * Orders candidates by how well they fit the query: sentences for a picture (zero-shot classification), pictures for a
 * sentence, or any mixture.
 * @throws EncoderError INVALID_REQUEST if probabilities are asked of a model that has no logit scale; and as encodeTexts
 * and encodeImages do, with the index 0 for the query and, for the candidates, 1 and up.
 */
export async function rank(encoder: Encoder, request: RankRequest, options: Call = {}): Promise<Ranking> {
  requireProbabilities(request, encoder.manifest);
  if (request.top !== undefined && !(Number.isInteger(request.top) && request.top >= 1)) {
    throw new EncoderError("INVALID_REQUEST", "top: expected a whole number from 1 on.");
  }
  const { embeddings } = await encodeItems(encoder, [request.query, ...request.candidates], {
    ...options,
    ...ofRanking,
  });
  return rankVectors(embeddings, { ...request, logit: encoder.manifest.logit });
}

/**
 * Computes the cosine of each of `a` with each of `b`.
 * @throws EncoderError as encodeTexts and encodeImages do; in the index, the items of `b` follow those of `a`.
 */
export async function compare(
  encoder: Encoder,
  { a, b }: { a: readonly Item[]; b: readonly Item[] },
  options: Call = {},
): Promise<Float32Array[]> {
  const { embeddings } = await encodeItems(encoder, [...a, ...b], { ...options, ...ofRanking });
  const others = embeddings.slice(a.length);
  return embeddings.slice(0, a.length).map((vector) => cosines(vector, others));
}

/** Callers without types may say something else. */
const ofRanking = { normalize: true, onError: "fail" } as const;

/** @throws EncoderError INVALID_REQUEST */
export function requireProbabilities({ probabilities }: { probabilities?: boolean }, { logit, name }: Manifest): void {
  if (!probabilities || logit) return;
  const message = `probabilities: the model ${name} has no logit scale, so its cosines have no probabilities.`;
  throw new EncoderError("INVALID_REQUEST", message);
}

/**
 * Orders candidates by cosine.
 * @param vectors of unit length: the query's, then the candidates'
 */
export function rankVectors(
  [query, ...candidates]: readonly Float32Array[],
  { probabilities = false, top, logit }: { probabilities?: boolean; top?: number; logit: Manifest["logit"] },
): Ranking {
  const cosinesOfAll = [...cosines(query!, candidates)];
  const chances = probabilities && logit ? probabilitiesOf(cosinesOfAll, logit) : undefined;
  const results = cosinesOfAll
    .map((cosine, index) => ({ index, cosine, ...(chances && { probability: chances[index]! }) }))
    .sort((a, b) => b.cosine - a.cosine || a.index - b.index)
    .slice(0, top);
  return { ...(chances && logit && { probabilityKind: logit.kind }), results };
}

/** Computes the cosines of vectors of unit length with one. */
export function cosines(vector: Float32Array, others: readonly Float32Array[]): Float32Array {
  return Float32Array.from(others, (other) => {
    let sum = 0;
    for (let i = 0; i < vector.length; i++) sum += vector[i]! * other[i]!;
    return Math.min(1, Math.max(-1, sum));
  });
}

/** The scales are logarithms, as checkpoints keep them. */
function probabilitiesOf(cosines: number[], logit: NonNullable<Manifest["logit"]>): number[] {
  const scale = Math.exp(logit.scale);
  if (logit.kind === "sigmoid") return cosines.map((cosine) => 1 / (1 + Math.exp(-(scale * cosine + logit.bias))));
  const best = Math.max(...cosines);
  const weights = cosines.map((cosine) => Math.exp(scale * (cosine - best)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
