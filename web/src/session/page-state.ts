import type { CollectionName, Picture } from "../collections/picture.ts";
import { type Address, type AddressTerm, readAddress, type View, writeAddress } from "../query/address.ts";
import type { Query, Term } from "../query/query.ts";
import { createObservable, type Observable } from "../state/observable.ts";

/** Holds what a person has chosen on the page. */
export interface PageState {
  view: View;
  query: Query;
  /** Undefined until it is chosen: until then, the index counts if there is one, else the drawings. */
  collection: CollectionName | undefined;
  /** Says how many hundredths of the range of scores are cut. */
  cut: number;
  fold: boolean;
  /** Ids of the pictures encircled on the map, to which the grid is limited. */
  selection: ReadonlySet<string> | undefined;
  sentences: string[];
  compared: Picture[];
}

export interface Page {
  state: Observable<PageState>;
  change(change: Partial<PageState>): void;
  /** Takes the state from the address again, now that its pictures can be found, unless a person has changed it by then. */
  findPictures(): void;
}

/** Keeps the state and the address in step. Going to another view is a step that the back button undoes. */
export function createPage(find: (id: string) => Picture | undefined): Page {
  const state = createObservable(fromAddress(readAddress(location.hash), find));
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isUntouched = true;

  const write = () => {
    const hash = writeAddress(toAddress(state.get()));
    if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname + location.search);
  };
  const read = () => {
    clearTimeout(timer);
    state.set(fromAddress(readAddress(location.hash), find));
  };
  addEventListener("popstate", read);
  return {
    state,
    findPictures() {
      if (isUntouched) read();
    },
    change(change) {
      isUntouched = false;
      const before = state.get();
      const after = { ...before, ...change };
      clearTimeout(timer);
      if (after.view !== before.view) {
        write();
        history.pushState(null, "", writeAddress(toAddress(after)) || location.pathname + location.search);
        scrollTo(0, 0);
      } else {
        timer = setTimeout(write, 250); // browsers refuse an address that changes with every key
      }
      state.set(after);
    },
  };
}

function fromAddress(address: Address, find: (id: string) => Picture | undefined): PageState {
  return {
    view: address.view,
    query: { text: address.text, terms: address.terms.flatMap((term) => pageTerm(term, find)) },
    collection: address.collection,
    cut: address.cut,
    fold: true,
    selection: undefined,
    sentences: address.sentences,
    compared: address.pictureIds.flatMap((id) => find(id) ?? []),
  };
}

function toAddress({ view, query, collection, cut, sentences, compared }: PageState): Address {
  return {
    view,
    text: query.text,
    terms: query.terms.flatMap(addressTerm),
    collection,
    cut,
    sentences,
    pictureIds: compared.filter(hasAddress).map(({ id }) => id),
  };
}

function pageTerm(term: AddressTerm, find: (id: string) => Picture | undefined): Term[] {
  if ("text" in term) return [term];
  const picture = find(term.pictureId);
  return picture ? [{ weight: term.weight, picture }] : [];
}

function addressTerm(term: Term): AddressTerm[] {
  if ("text" in term) return [term];
  return hasAddress(term.picture) ? [{ weight: term.weight, pictureId: term.picture.id }] : [];
}

/** Only the pictures of the gallery are the same for everybody. */
const hasAddress = ({ origin }: Picture) => origin.kind === "gallery";
