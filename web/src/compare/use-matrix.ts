import { useEffect, useMemo, useState } from "preact/hooks";
import type { Stage } from "../../../src/client/client.ts";
import { isAboutConnection } from "../collections/is-about-connection.ts";
import type { Picture } from "../collections/picture.ts";
import { sentenceOf } from "../search/asking.ts";
import { hasFittingGallery, useService, useSession } from "../session/session.ts";
import { cosineMatrix, type Matrix } from "./matrix.ts";

interface Vectors {
  sentences: (Float32Array | undefined)[];
  pictures: (Float32Array | undefined)[];
}

export interface Comparison {
  matrix: Matrix;
  problem: string | undefined;
  /** Of the last request for sentences. */
  stages: Stage[];
}

/** Typing a sentence asks for it when the typist pauses. */
const debounceMs = 250;

/** Gives cosines of sentences (rows) and pictures (columns), as they come in. */
export function useMatrix(sentences: string[], pictures: Picture[]): Comparison {
  const { resolver, library } = useSession();
  const service = useService();
  const isReady = service.status === "ready";
  const fits = hasFittingGallery(service);
  const [vectors, setVectors] = useState<Vectors>({ sentences: [], pictures: [] });
  const [problem, setProblem] = useState<string>();
  const [stages, setStages] = useState<Stage[]>([]);
  const key = JSON.stringify([sentences, pictures.map(({ id }) => id)]);

  // The key says when they differ.
  useEffect(() => {
    if (!isReady) return;
    const controller = new AbortController();
    const { signal } = controller;
    const timer = setTimeout(async () => {
      try {
        if (fits && pictures.some(({ origin }) => origin.kind === "gallery")) await library.loadVectors();
        const texts = sentences.map((sentence) => sentence.trim());
        const asked = texts.filter((text) => text !== "").map((text) => ({ text, weight: 1 }));
        const { vectors: known, stages } = await resolver.resolve(asked, signal);
        if (stages.length > 0) setStages(stages);
        let next = 0;
        const sentenceVectors = texts.map((text) => (text === "" ? undefined : known[next++]));
        for (const picture of pictures) await encode(picture, signal);
        setVectors({ sentences: sentenceVectors, pictures: pictures.map(({ vector }) => vector) });
        setProblem(undefined);
      } catch (error) {
        if (!signal.aborted && !isAboutConnection(error)) setProblem(sentenceOf(error));
      }
    }, debounceMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, isReady, fits]);

  /** Encodes one picture. One that the service cannot read leaves the others alone. */
  async function encode(picture: Picture, signal: AbortSignal): Promise<void> {
    if (picture.vector || picture.problem !== undefined) return;
    try {
      await resolver.resolve([{ picture, weight: 1 }], signal);
    } catch (error) {
      if (signal.aborted || isAboutConnection(error)) throw error; // it is asked again when the service is back
      picture.problem = sentenceOf(error);
    }
  }

  const matrix = useMemo(() => cosineMatrix(vectors.sentences, vectors.pictures), [vectors]);
  return { matrix, problem, stages };
}
