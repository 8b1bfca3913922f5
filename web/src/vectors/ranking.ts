import { cosine } from "./cosine.ts";

export interface Ranked<P> {
  picture: P;
  score: number;
  /** Nearly the same pictures, which are hidden behind this one. */
  alike?: P[];
}

/** Ranks pictures that have a vector of the query's length, the nearest first; another length is another model's. */
export function rank<P extends { vector?: Float32Array | undefined }>(
  pictures: readonly P[],
  query: Float32Array,
): Ranked<P>[] {
  const ranked: Ranked<P>[] = [];
  for (const picture of pictures) {
    const { vector } = picture;
    if (vector?.length === query.length) ranked.push({ picture, score: cosine(vector, query) });
  }
  return ranked.sort((a, b) => b.score - a.score);
}

/** From this cosine on, two pictures are the same motif with other bytes. */
const sameFrom = 0.97;
/** Comparing each with each beyond the first screens would take longer than anyone scrolls. */
const foldedAmong = 150;

/** Hides pictures behind an earlier, nearly equal one. */
export function foldNearDuplicates<P extends { vector?: Float32Array | undefined }>(ranked: Ranked<P>[]): Ranked<P>[] {
  const kept: Ranked<P>[] = [];
  for (const item of ranked.slice(0, foldedAmong)) {
    const { vector } = item.picture;
    const original =
      vector && kept.find((other) => other.picture.vector && cosine(other.picture.vector, vector) >= sameFrom);
    if (original) original.alike = [...(original.alike ?? []), item.picture];
    else kept.push({ picture: item.picture, score: item.score });
  }
  return [...kept, ...ranked.slice(foldedAmong)];
}

/** Leaves out those whose score lies in the lower part of the range that the results span; cut is from 0 to 1. */
export function cutWeak<P>(ranked: Ranked<P>[], cut: number): Ranked<P>[] {
  const best = ranked[0]?.score;
  const worst = ranked.at(-1)?.score;
  if (cut <= 0 || best === undefined || worst === undefined) return ranked;
  const least = worst + (best - worst) * cut;
  return ranked.filter(({ score }) => score >= least);
}
