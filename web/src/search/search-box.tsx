import { useEffect, useRef } from "preact/hooks";
import { emptyQuery, type Query, type Term } from "../query/query.ts";
import { usePage, useService, useSession } from "../session/session.ts";
import { usePictureActions } from "../session/use-picture-actions.ts";
import { Icon } from "../shell/icon.tsx";
import { useFileChooser } from "../shell/use-file-chooser.tsx";
import { TermChip } from "./term-chip.tsx";
import { useShownCollection } from "./use-shown-collection.ts";

/** Shows what is seen first: a box for words, and beside it the way to search by a picture. */
export function SearchBox({ isSearching }: { isSearching: boolean }) {
  const [{ query }, change] = usePage();
  const { searchWith } = usePictureActions();
  const input = useRef<HTMLInputElement>(null);
  const chooser = useFileChooser({
    label: "A picture to search with",
    onFiles: ([found]) => found && searchWith(found),
  });
  useSlashKey(() => input.current?.focus());
  useEarlyVectors(input);

  const { text, terms } = query;
  const keepTyped = (weight: 1 | -1) => {
    const typed = text.trim();
    if (typed !== "") change({ query: { text: "", terms: [...terms, { text: typed, weight }] } });
    input.current?.focus();
  };
  const hasQuery = text !== "" || terms.length > 0;

  return (
    <search class="search-box">
      <div class={isSearching ? "query-row busy" : "query-row"}>
        <label class="query-field">
          <Icon name="search" />
          <span class="hidden">Describe what you are looking for</span>
          <input
            ref={input}
            type="text"
            inputMode="search"
            enterKeyHint="search"
            dir="auto"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder={terms.length > 0 ? "Add words…" : "Search in any language"}
            value={text}
            onInput={({ currentTarget }) => change({ query: { text: currentTarget.value, terms } })}
            onKeyDown={(event) => {
              if (event.isComposing) return;
              if (event.key === "Enter" && event.currentTarget.value.trim() !== "" && event.shiftKey) keepTyped(1);
              if (event.key === "Escape") change({ query: emptyQuery });
              if (event.key === "ArrowDown") focusFirstPicture(event);
            }}
          />
        </label>
        {hasQuery && (
          <button
            type="button"
            class="round"
            aria-label="Clear the search"
            title="Clear (Esc)"
            onClick={() => {
              change({ query: emptyQuery, selection: undefined });
              input.current?.focus();
            }}
          >
            <Icon name="close" />
          </button>
        )}
        <button type="button" class="button by-picture" onClick={chooser.open}>
          <Icon name="picture" />
          <span>
            Search by picture <small>drop, choose or paste</small>
          </span>
        </button>
        {chooser.input}
      </div>
      {hasQuery && (
        <Terms query={query} onChange={(changed) => change({ query: { text, terms: changed } })} onKeep={keepTyped} />
      )}
    </search>
  );
}

interface TermsProps {
  query: Query;
  onChange: (terms: Term[]) => void;
  /** Makes a term of what is typed. */
  onKeep: (weight: 1 | -1) => void;
}

/** Shows what the query is made of, besides what is being typed. */
function Terms({ query: { text, terms }, onChange, onKeep }: TermsProps) {
  return (
    <div class="terms">
      {terms.map((term, index) => (
        <TermChip
          key={"text" in term ? `text ${index} ${term.text}` : `${index} ${term.picture.id}`}
          term={term}
          onChange={(changed) => onChange(terms.map((it, at) => (at === index ? changed : it)))}
          onRemove={() => onChange(terms.filter((_, at) => at !== index))}
        />
      ))}
      {text.trim() !== "" && (
        <span class="term-tools">
          <button type="button" class="quiet" onClick={() => onKeep(1)} title="Keep these words and add others">
            <Icon name="plus" /> Keep and add
          </button>
          <button type="button" class="quiet" onClick={() => onKeep(-1)} title="Take these words off the query">
            <Icon name="minus" /> Subtract
          </button>
        </span>
      )}
    </div>
  );
}

/** A slash anywhere outside a field goes to the search box, as on many sites. */
function useSlashKey(onSlash: () => void) {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof Element && event.target.closest("input, textarea, select, dialog");
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      onSlash();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  });
}

/** Loads the vectors that ship as soon as somebody means to search, not before. */
function useEarlyVectors(input: { current: HTMLInputElement | null }) {
  const { library } = useSession();
  const name = useShownCollection();
  const service = useService();
  useEffect(() => {
    const field = input.current;
    if (!field || name === "index" || service.status !== "ready") return;
    const load = () => void library.loadVectors().catch(() => {});
    field.addEventListener("focus", load, { once: true });
    return () => field.removeEventListener("focus", load);
  }, [input, library, name, service.status]);
}

function focusFirstPicture(event: Event) {
  const first = document.querySelector<HTMLElement>(".tile-picture[tabindex='0']");
  if (!first) return;
  event.preventDefault();
  first.focus();
}
