import type { Client, Stage } from "../../../src/client/client.ts";
import type { Picture } from "../collections/picture.ts";
import type { Term } from "./query.ts";

export interface Resolved {
  /** Each term has one, of unit length. */
  vectors: Float32Array[];
  /** Of the last request; empty where everything was known. */
  stages: Stage[];
  isTruncated: boolean;
}

export interface QueryResolver {
  resolve(terms: Term[], signal: AbortSignal): Promise<Resolved>;
  /** Forgets the vectors of texts; another model is served. */
  forget(): void;
}

/** Whoever types asks for the same words again and again; beyond this many, the first ones are forgotten. */
const mostKnownTexts = 500;

/** Turns words and pictures into vectors, asking the service only for what it has not been asked before. */
export function createQueryResolver(
  client: Client,
  bytesOf: (picture: Picture, signal: AbortSignal) => Promise<Blob>,
): QueryResolver {
  const known = new Map<string, Float32Array>();

  async function encodeTexts(texts: string[], signal: AbortSignal): Promise<Omit<Resolved, "vectors">> {
    if (texts.length === 0) return { stages: [], isTruncated: false };
    const { embeddings, stages, isTruncated } = await client.encodeTexts(texts, { signal });
    for (const text of known.keys()) if (known.size > mostKnownTexts) known.delete(text);
    for (const [index, text] of texts.entries()) known.set(text, embeddings[index]!);
    return { stages, isTruncated };
  }

  async function encodePicture(picture: Picture, signal: AbortSignal): Promise<Stage[]> {
    const { embedding, stages } = await client.encodeImage(await bytesOf(picture, signal), { signal });
    picture.vector = embedding;
    return stages;
  }

  return {
    async resolve(terms, signal) {
      const texts = terms.flatMap((term) => ("text" in term && !known.has(term.text) ? [term.text] : []));
      let { stages, isTruncated } = await encodeTexts([...new Set(texts)], signal);
      for (const term of terms) {
        if ("picture" in term && !term.picture.vector) stages = await encodePicture(term.picture, signal);
      }
      const vectors = terms.map((term) => ("text" in term ? known.get(term.text)! : term.picture.vector!));
      return { vectors, stages, isTruncated };
    },
    forget: () => known.clear(),
  };
}
