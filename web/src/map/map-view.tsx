import { useEffect, useMemo, useState } from "preact/hooks";
import type { CollectionName } from "../collections/picture.ts";
import { PictureDialog } from "../grid/picture-dialog.tsx";
import { PictureGrid } from "../grid/picture-grid.tsx";
import { CollectionBar } from "../search/collection-bar.tsx";
import { CollectionState } from "../search/collection-state.tsx";
import { useShownCollection } from "../search/use-shown-collection.ts";
import { hasFittingGallery, usePage, useService, useSession } from "../session/session.ts";
import { useValue } from "../state/observable.ts";
import { MapCanvas } from "./map-canvas.tsx";
import { MapTakeaway } from "./map-takeaway.tsx";
import { useProjection } from "./use-projection.ts";

/** Shows all pictures of the collection on a plane, the alike near each other. */
export default function MapView() {
  const [{ selection }, change] = usePage();
  const name = useShownCollection();
  const { library } = useSession();
  const { pictures, progress, total = 0 } = useValue(library.collections[name]);
  const projection = useProjection(progress ? noPictures : pictures);
  const [opened, setOpened] = useState<{ isSelection: boolean; index: number }>();
  const { problem, isLoading } = useVectors(name);

  const all = useMemo(
    () => (projection?.pictures ?? []).map((picture) => ({ picture, score: 0 })),
    [projection?.pictures],
  );
  const selected = useMemo(() => all.filter(({ picture }) => selection?.has(picture.id)), [all, selection]);
  return (
    <div class="map-view">
      <div>
        <h1>Map</h1>
        <p class="aside">
          Pictures that are alike for the model lie together. Draw around some of them to see only those; zoom with the
          wheel, with two fingers or with the buttons.
          {total > pictures.length &&
            ` These are ${pictures.length.toLocaleString("en")} of ${total.toLocaleString("en")} indexed pictures, evenly chosen.`}
        </p>
      </div>
      <CollectionBar />
      <CollectionState name={name} hasQuery />
      {problem && (
        <p class="notice problem" role="alert">
          {problem}
        </p>
      )}
      {projection && (
        <MapCanvas
          key={name}
          projection={projection}
          selection={selection}
          onSelect={(ids) => change({ selection: ids })}
          onOpen={(index) => setOpened({ isSelection: false, index })}
        />
      )}
      {projection && <MapTakeaway name={name} projection={projection} selection={selection} />}
      {!projection && (isLoading || pictures.some(({ vector }) => vector)) && (
        <div class="map map-pending" role="status">
          {isLoading ? "Loading the pictures' vectors…" : "Arranging the pictures…"}
        </div>
      )}
      {selected.length > 0 && (
        <>
          <div class="encoding-row">
            <h2>{selected.length === 1 ? "1 picture" : `${selected.length} pictures`} encircled</h2>
            <span class="adders">
              <button type="button" class="button" onClick={() => change({ selection: undefined })}>
                Clear
              </button>
              <button type="button" class="button primary" onClick={() => change({ view: "search" })}>
                Search among them
              </button>
            </span>
          </div>
          <PictureGrid
            label="Encircled pictures"
            items={selected}
            isRanked={false}
            onOpen={(index) => setOpened({ isSelection: true, index })}
          />
        </>
      )}
      {opened && (
        <PictureDialog
          items={opened.isSelection ? selected : all}
          index={opened.index}
          isRanked={false}
          onMove={(index) => setOpened({ ...opened, index })}
          onClose={() => setOpened(undefined)}
        />
      )}
    </div>
  );
}

const noPictures: [] = [];

/** Sees to it that the collection has vectors: those that ship, or of the index a sample. */
function useVectors(name: CollectionName): { problem: string | undefined; isLoading: boolean } {
  const { library } = useSession();
  const service = useService();
  const fits = hasFittingGallery(service);
  const hasGallery = useValue(library.collections.drawings).pictures.length > 0;
  const version = "index" in service ? service.index?.updated_at : undefined;
  const [state, setState] = useState({ problem: undefined as string | undefined, isLoading: false });

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const isIndex = name === "index";
    if (name === "own" || (isIndex ? version === undefined : !(fits && hasGallery))) return;
    setState({ problem: undefined, isLoading: true });
    const loading = isIndex ? library.sampleIndex(version ?? "", signal) : library.loadVectors();
    loading.then(
      () => signal.aborted || setState({ problem: undefined, isLoading: false }),
      (error) => signal.aborted || setState({ problem: String(error.message ?? error), isLoading: false }),
    );
    return () => controller.abort();
  }, [name, version, fits, hasGallery, library]);

  return state;
}
