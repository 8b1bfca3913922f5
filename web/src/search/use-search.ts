import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Stage } from "../../../src/client/client.ts";
import { isAboutConnection } from "../collections/is-about-connection.ts";
import type { Collection, CollectionName, Picture } from "../collections/picture.ts";
import { type Term, termsOf } from "../query/query.ts";
import { hasFittingGallery, usePage, useService, useSession } from "../session/session.ts";
import { useValue } from "../state/observable.ts";
import { weightedSum } from "../vectors/arithmetic.ts";
import { foldNearDuplicates, type Ranked, rank } from "../vectors/ranking.ts";
import { sentenceOf, useKey } from "./asking.ts";
import { useIndexPictures } from "./use-index-pictures.ts";
import { useIndexSearch } from "./use-index-search.ts";
import { useShownCollection } from "./use-shown-collection.ts";

export interface SearchOutcome {
  collection: CollectionName;
  /** Without a query these are the pictures in their order, each with a score of 0. */
  results: Ranked<Picture>[];
  isRanked: boolean;
  isSearching: boolean;
  /** What the results answer. While the service searches or is gone, this is what was asked before. */
  terms: Term[];
  /** Why there is no answer, as a sentence. */
  problem?: string | undefined;
  stages: Stage[];
  /** The page's own part took so long; it is undefined where the service did it all. */
  rankingMs?: number | undefined;
  isTruncated?: boolean;
  /** Fetches more results, where the service has them. */
  loadMore?: (() => void) | undefined;
}

/** Long enough for the next key of a fast typist, short enough to seem immediate. */
export const debounceMs = 120;

/**
 * The results of the query in the collection that is shown. The service searches the index; but what was encircled on its
 * map is here with its vectors, and is searched here.
 */
export function useSearch(): SearchOutcome {
  const [{ query, selection }] = usePage();
  const name = useShownCollection();
  const terms = termsOf(query);
  const isRemote = name === "index" && selection === undefined;
  const local = useLocalSearch(name, isRemote ? [] : terms);
  const remote = useIndexSearch(isRemote ? terms : []);
  const isUnasked = isRemote && terms.length === 0;
  const pictures = useIndexPictures(isUnasked);
  if (isUnasked) return { ...remote, results: pictures };
  return isRemote ? remote : local;
}

interface Answer {
  key: string;
  terms: Term[];
  vector?: Float32Array | undefined;
  stages: Stage[];
  isTruncated: boolean;
  problem?: string;
}

function useLocalSearch(name: CollectionName, terms: Term[]): SearchOutcome {
  const { library } = useSession();
  const [{ fold, selection }] = usePage();
  const collection = useValue(library.collections[name]);
  const { answer, isSearching } = useAnswer(name, terms);
  const { results, rankingMs } = useMemo(
    () => rankTimed({ collection, vector: answer?.vector, fold, selection }),
    [collection, answer?.vector, fold, selection],
  );
  const hasQuery = terms.length > 0;
  return {
    collection: name,
    results: hasQuery && answer?.problem ? [] : results,
    isRanked: hasQuery && answer?.vector !== undefined,
    isSearching,
    terms: answer?.terms ?? [],
    problem: hasQuery ? answer?.problem : undefined,
    stages: answer?.stages ?? [],
    rankingMs,
    isTruncated: answer?.isTruncated ?? false,
  };
}

/** Gets the vector of the query from the service; the last question wins. */
function useAnswer(name: CollectionName, terms: Term[]): { answer: Answer | undefined; isSearching: boolean } {
  const { library, resolver } = useSession();
  const service = useService();
  const [answer, setAnswer] = useState<Answer>();
  const key = useKey(terms);
  const latest = useRef(terms);
  latest.current = terms;
  const isReady = service.status === "ready";
  const needsVectors = (name === "drawings" || name === "photographs") && hasFittingGallery(service);

  // The key says when the terms differ.
  useEffect(() => {
    if (key === "") setAnswer(undefined);
    if (key === "" || !isReady) return;
    const controller = new AbortController();
    const { signal } = controller;
    const timer = setTimeout(async () => {
      const asked = latest.current;
      const reply = { key, terms: asked, stages: [], isTruncated: false };
      try {
        const [resolved] = await Promise.all([
          resolver.resolve(asked, signal),
          needsVectors ? library.loadVectors() : undefined,
        ]);
        if (signal.aborted) return;
        const { vectors, ...facts } = resolved;
        const vector = weightedSum(vectors.map((it, index) => ({ vector: it, weight: asked[index]!.weight })));
        const problem = vector
          ? {}
          : { problem: "Plus and minus cancel each other out: nothing is left to search for." };
        setAnswer({ ...reply, ...facts, vector, ...problem });
      } catch (error) {
        if (signal.aborted || isAboutConnection(error)) return;
        setAnswer({ ...reply, problem: sentenceOf(error) });
      }
    }, debounceMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, isReady, needsVectors]);

  return { answer, isSearching: isReady && key !== "" && answer?.key !== key };
}

interface Ranking {
  collection: Collection;
  vector: Float32Array | undefined;
  fold: boolean;
  selection: ReadonlySet<string> | undefined;
}

function rankTimed({ collection, vector, fold, selection }: Ranking) {
  const { pictures } = collection;
  const eligible = selection ? pictures.filter(({ id }) => selection.has(id)) : pictures;
  if (!vector) return { results: eligible.map((picture) => ({ picture, score: 0 })), rankingMs: undefined };
  const startedAt = performance.now();
  const ranked = rank(eligible, vector);
  const results = fold ? foldNearDuplicates(ranked) : ranked;
  return { results, rankingMs: performance.now() - startedAt };
}
