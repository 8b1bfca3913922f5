import type { Client } from "../client/client.ts";
import type { Stage } from "../client/timing.ts";
import type { Picture } from "../collections/picture.ts";
import type { Term } from "./query.ts";

export interface Resolved {
  /** Each term has one, of unit length. */
  vectors: Float32Array[];
  /** Of the last request; empty where everything was known. */
  stages: Stage[];
  truncated: boolean;
}

export interface QueryResolver {
  resolve(terms: Term[], signal: AbortSignal): Promise<Resolved>;
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
    if (texts.length === 0) return { stages: [], truncated: false };
    const { vectors, stages, truncated } = await client.encodeTexts(texts, { signal, onWait: () => {} });
    for (const text of known.keys()) if (known.size > mostKnownTexts) known.delete(text);
    for (const [index, text] of texts.entries()) known.set(text, vectors[index]!);
    return { stages, truncated };
  }

  async function encodePicture(picture: Picture, signal: AbortSignal): Promise<Stage[]> {
    const reply = await client.encodeImage(await bytesOf(picture, signal), { signal, onWait: () => {} });
    picture.vector = reply.vectors[0];
    return reply.stages;
  }

  return {
    async resolve(terms, signal) {
      const texts = terms.flatMap((term) => ("text" in term && !known.has(term.text) ? [term.text] : []));
      let { stages, truncated } = await encodeTexts([...new Set(texts)], signal);
      for (const term of terms) {
        if ("picture" in term && !term.picture.vector) stages = await encodePicture(term.picture, signal);
      }
      const vectors = terms.map((term) => ("text" in term ? known.get(term.text)! : term.picture.vector!));
      return { vectors, stages, truncated };
    },
  };
}
