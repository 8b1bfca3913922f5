import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { SearchRequest, Stage } from "../../../src/client/client.ts";
import { pictureOfIndex } from "../collections/index-picture.ts";
import type { Picture } from "../collections/picture.ts";
import type { Term } from "../query/query.ts";
import { useService, useSession } from "../session/session.ts";
import type { Ranked } from "../vectors/ranking.ts";
import { indexRequest } from "./index-request.ts";
import { debounceMs, type SearchOutcome } from "./use-search.ts";

/** A page is a few screens; more come as one scrolls. */
const pageSize = 60;
/** The service goes no deeper than offset + limit of 10,000. */
const mostResults = 10_000;

interface Answer {
  request?: SearchRequest;
  results: Ranked<Picture>[];
  stages: Stage[];
  isComplete: boolean;
  problem?: string;
}

const nothing: Answer = { results: [], stages: [], isComplete: true };

/** Gives the results of POST /search, page by page; the last question wins. */
export function useIndexSearch(terms: Term[]): SearchOutcome {
  const { client, bytesOf } = useSession();
  const isReady = useService().status === "ready";
  const [answer, setAnswer] = useState(nothing);
  const [isSearching, setSearching] = useState(false);
  const current = useRef<AbortController | undefined>(undefined);
  const latest = useRef(terms);
  latest.current = terms;
  const key = terms.map((term) => `${term.weight} ${"text" in term ? term.text : term.picture.id}`).join("\n");

  const fetchPage = useCallback(
    async (request: SearchRequest, before: Ranked<Picture>[], signal: AbortSignal) => {
      const page = { limit: Math.min(pageSize, mostResults - before.length), offset: before.length };
      const { results, stages } = await client.search({ ...request, ...page }, { signal });
      if (signal.aborted) return;
      const all = [...before, ...results.map((result) => ({ picture: pictureOfIndex(result), score: result.score }))];
      setAnswer({ request, results: all, stages, isComplete: results.length < pageSize || all.length >= mostResults });
    },
    [client],
  );

  // The key says when the terms differ.
  useEffect(() => {
    if (key === "") setAnswer(nothing);
    if (key === "" || !isReady) return setSearching(false);
    const controller = new AbortController();
    const { signal } = controller;
    current.current = controller;
    setSearching(true);
    const timer = setTimeout(async () => {
      try {
        const request = await indexRequest(latest.current, (picture) => bytesOf(picture, signal));
        await fetchPage(request, [], signal);
      } catch (error) {
        if (signal.aborted) return;
        setAnswer({ ...nothing, problem: error instanceof Error ? error.message : String(error) });
      }
      if (!signal.aborted) setSearching(false);
    }, debounceMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, isReady]);

  const { request, results, isComplete } = answer;
  const loadMore = () => {
    const signal = current.current?.signal;
    if (!request || isSearching || !signal) return;
    setSearching(true);
    fetchPage(request, results, signal)
      .catch((error) => signal.aborted || setAnswer({ ...answer, isComplete: true, problem: String(error.message) }))
      .finally(() => signal.aborted || setSearching(false));
  };
  const { problem, stages } = answer;
  return {
    ...{ collection: "index", results, isRanked: request !== undefined, isSearching, problem, stages },
    ...(!isComplete && { loadMore }),
  };
}
