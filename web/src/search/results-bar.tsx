import { useState } from "preact/hooks";
import type { Picture } from "../collections/picture.ts";
import { describe, termsOf } from "../query/query.ts";
import { asCsv, asJson } from "../results/export.ts";
import { Times } from "../results/times.tsx";
import { hasFittingGallery, usePage, useService } from "../session/session.ts";
import { CodeDialog } from "../shell/code-dialog.tsx";
import { Icon } from "../shell/icon.tsx";
import { Takeaway } from "../shell/takeaway.tsx";
import type { Ranked } from "../vectors/ranking.ts";
import { encodeCalls, searchCall } from "./calls.ts";
import type { SearchOutcome } from "./use-search.ts";

interface ResultsBarProps {
  outcome: SearchOutcome;
  /** What is left after the cut. */
  shown: Ranked<Picture>[];
}

/** What was found and how long it took, how much of it is shown, and the ways to take it along. */
export function ResultsBar({ outcome, shown }: ResultsBarProps) {
  const [{ query, cut, fold, selection }, change] = usePage();
  const [isCodeOpen, setCodeOpen] = useState(false);
  const { isRanked, problem, results, rankingMs } = outcome;
  const name = fileNameFor(describe(query));
  const terms = termsOf(query);
  const isRankedHere = rankingMs !== undefined;
  if (problem) {
    return (
      <p class="notice problem" role="alert">
        {problem}
      </p>
    );
  }
  return (
    <div class="results-bar">
      <p class="found" role="status">
        <Found outcome={outcome} shown={shown.length} />
      </p>
      {selection && (
        <button type="button" class="chip-button" onClick={() => change({ selection: undefined })}>
          {selection.size} encircled on the map <Icon name="close" />
        </button>
      )}
      {isRanked && (
        <div class="result-tools">
          <label
            class="cut"
            title="Hides the weaker part of the results. Cosines differ by query, so there is no fixed threshold."
          >
            <span>Hide weak</span>
            <input
              type="range"
              min="0"
              max="95"
              step="5"
              value={cut}
              onInput={({ currentTarget }) => change({ cut: Number(currentTarget.value) })}
            />
          </label>
          {isRankedHere && (
            <label class="fold" title="Shows pictures that are nearly the same once">
              <input
                type="checkbox"
                checked={fold}
                onChange={({ currentTarget }) => change({ fold: currentTarget.checked })}
              />
              Fold duplicates
            </label>
          )}
          <Takeaway file={name} csv={() => asCsv(shown)} json={() => asJson(shown)} onCode={() => setCodeOpen(true)} />
        </div>
      )}
      {isRanked && results.length > 0 && <Hint />}
      {isCodeOpen && (
        <CodeDialog
          calls={isRankedHere ? encodeCalls(terms) : [searchCall(terms)]}
          onClose={() => setCodeOpen(false)}
        />
      )}
    </div>
  );
}

function Found({ outcome, shown }: { outcome: SearchOutcome; shown: number }) {
  const { isRanked, isSearching, results, stages, rankingMs, isTruncated, loadMore } = outcome;
  const [{ query }] = usePage();
  const service = useService();
  const answered = describe({ text: "", terms: outcome.terms });
  if (!isRanked) {
    if (isSearching) return <>Searching…</>;
    if (outcome.collection !== "index") return results.length > 0 ? pictures(results.length) : null;
    const total = "index" in service && service.index ? service.index.count : 0;
    if (total === 0) return null;
    return (
      <>
        {pictures(total)} {total === 1 ? "is" : "are"} indexed. Type words or drop a picture to search{" "}
        {total === 1 ? "it" : "them"}.
      </>
    );
  }
  const total = loadMore
    ? `The best ${count(shown)}`
    : shown === results.length
      ? count(shown)
      : `${count(shown)} of ${count(results.length)}`;
  return (
    <>
      <strong>{total}</strong> {results.length === 1 ? "picture" : "pictures"}
      {service.status !== "ready" && answered !== describe(query) && (
        <>
          {" "}
          for <q>{answered}</q>
        </>
      )}
      <Times stages={stages} rankingMs={rankingMs} />
      {isTruncated && <span class="times">only the start of this long text counts</span>}
    </>
  );
}

/** Words for whoever gets poor results and does not know why. */
function Hint() {
  const [{ query }] = usePage();
  const service = useService();
  const isSingleWord = /^\p{L}+$/u.test(query.text.trim()) && query.terms.length === 0;
  if (!isSingleWord || hasFittingGallery(service)) return null;
  return (
    <p class="hint">
      Captions work better than keywords: try <q>a photo of {query.text.trim()}</q>, or say what happens in the picture.
    </p>
  );
}

const pictures = (value: number) => (value === 1 ? "1 picture" : `${count(value)} pictures`);
const count = (value: number) => value.toLocaleString("en");

/** A name that every file system takes. */
function fileNameFor(text: string): string {
  const name = text
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60);
  return name === "" ? "results" : name;
}
