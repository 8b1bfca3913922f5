import { useMemo, useState } from "preact/hooks";
import { PictureDialog } from "../grid/picture-dialog.tsx";
import { PictureGrid } from "../grid/picture-grid.tsx";
import { describe, termsOf } from "../query/query.ts";
import { usePage, useService, useSession } from "../session/session.ts";
import { useValue } from "../state/observable.ts";
import { cutWeak } from "../vectors/ranking.ts";
import { CollectionBar } from "./collection-bar.tsx";
import { CollectionState } from "./collection-state.tsx";
import { Examples } from "./examples.tsx";
import { ResultsBar } from "./results-bar.tsx";
import { SearchBox } from "./search-box.tsx";
import { useSearch } from "./use-search.ts";

/** Shows words or a picture above, and the nearest pictures below. */
export function SearchView() {
  const [{ query, cut }] = usePage();
  const outcome = useSearch();
  const [opened, setOpened] = useState<number>();
  const shown = useMemo(
    () => (outcome.isRanked ? cutWeak(outcome.results, cut / 100) : outcome.results),
    [outcome.results, outcome.isRanked, cut],
  );
  const hasQuery = termsOf(query).length > 0;
  const { library } = useSession();
  const hasGallery = useValue(library.collections.drawings).pictures.length > 0;
  // What comes below depends on the service and on the gallery: drawn before both are there, it would jump.
  const isOpen = useService().status !== "starting" && hasGallery;
  return (
    <div class="search">
      <h1 class="hidden">Search pictures</h1>
      <SearchBox isSearching={outcome.isSearching} />
      {!hasQuery && <Examples />}
      {isOpen && (
        <>
          <CollectionBar />
          <CollectionState name={outcome.collection} hasQuery={hasQuery} />
          <ResultsBar outcome={outcome} shown={shown} />
          <PictureGrid
            label={outcome.isRanked ? `Results for ${describe({ text: "", terms: outcome.terms })}` : "Pictures"}
            items={shown}
            isRanked={outcome.isRanked}
            onOpen={setOpened}
            onEnd={outcome.loadMore}
          />
        </>
      )}
      {opened !== undefined && shown[opened] && (
        <PictureDialog
          items={shown}
          index={opened}
          isRanked={outcome.isRanked}
          onMove={setOpened}
          onClose={() => setOpened(undefined)}
        />
      )}
    </div>
  );
}
