import { useEffect, useRef, useState } from "preact/hooks";
import type { SearchRequest, Stage } from "../../../src/client/client.ts";
import { pictureOfIndex } from "../collections/index-picture.ts";
import { isAboutConnection } from "../collections/is-about-connection.ts";
import type { Picture } from "../collections/picture.ts";
import type { Term } from "../query/query.ts";
import { useService, useSession } from "../session/session.ts";
import type { Ranked } from "../vectors/ranking.ts";
import { sentenceOf, useKey } from "./asking.ts";
import { indexRequest } from "./index-request.ts";
import { debounceMs, type SearchOutcome } from "./use-search.ts";

/** A page is a few screens; more come as one scrolls. */
const pageSize = 60;
/** The service goes no deeper than offset + limit of 10,000. */
const mostResults = 10_000;

interface Answer {
  key: string;
  terms: Term[];
  request?: SearchRequest;
  results: Ranked<Picture>[];
  stages: Stage[];
  isComplete: boolean;
  problem?: string;
}

const nothing: Answer = { key: "", terms: [], results: [], stages: [], isComplete: true };

/** Gives the results of POST /search, page by page; the last question wins. */
export function useIndexSearch(terms: Term[]): SearchOutcome {
  const { bytesOf } = useSession();
  const isReady = useService().status === "ready";
  const [answer, setAnswer] = useState(nothing);
  const [isLoadingMore, setLoadingMore] = useState(false);
  const fetchPage = usePages();
  const key = useKey(terms);
  const latest = useRef({ terms, answer });
  latest.current = { terms, answer };
  const current = useRef<AbortController | undefined>(undefined);

  // The key says when the terms differ.
  useEffect(() => {
    setLoadingMore(false);
    if (key === "") setAnswer(nothing);
    if (key === "" || !isReady) return;
    const controller = new AbortController();
    const { signal } = controller;
    current.current = controller;
    const timer = setTimeout(async () => {
      const { terms: asked, answer: before } = latest.current;
      if (before.key === key && before.problem === undefined) return; // the service was away and is back
      const reply = { ...nothing, key, terms: asked };
      try {
        const request = await indexRequest(asked, (picture) => bytesOf(picture, signal));
        const page = await fetchPage({ ...reply, request }, signal);
        if (!signal.aborted) setAnswer(page);
      } catch (error) {
        if (!signal.aborted && !isAboutConnection(error)) setAnswer({ ...reply, problem: sentenceOf(error) });
      }
    }, debounceMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, isReady]);

  const isSearching = isLoadingMore || (isReady && key !== "" && answer.key !== key);
  const loadMore = () => {
    const signal = current.current?.signal;
    if (!answer.request || isSearching || !isReady || !signal || signal.aborted) return;
    setLoadingMore(true);
    fetchPage(answer, signal)
      .then((page) => signal.aborted || setAnswer(page))
      .catch((error) => {
        if (!signal.aborted && !isAboutConnection(error))
          setAnswer({ ...answer, isComplete: true, problem: sentenceOf(error) });
      })
      .finally(() => signal.aborted || setLoadingMore(false));
  };
  const { results, problem, stages } = answer;
  return {
    ...{ collection: "index", results, isRanked: answer.request !== undefined, isSearching, problem, stages },
    terms: answer.terms,
    ...(!answer.isComplete && { loadMore }),
  };
}

type FetchPage = (before: Answer, signal: AbortSignal) => Promise<Answer>;

/** Gives the function that adds the next page to an answer. */
function usePages(): FetchPage {
  const { client } = useSession();
  return async (before, signal) => {
    if (!before.request) return before;
    const page = { limit: Math.min(pageSize, mostResults - before.results.length), offset: before.results.length };
    const { results, stages } = await client.search({ ...before.request, ...page }, { signal });
    const all = [
      ...before.results,
      ...results.map((result) => ({ picture: pictureOfIndex(result), score: result.score })),
    ];
    return { ...before, results: all, stages, isComplete: results.length < pageSize || all.length >= mostResults };
  };
}
