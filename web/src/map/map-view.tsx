import { useEffect, useMemo, useState } from "preact/hooks";
import { PictureDialog } from "../grid/picture-dialog.tsx";
import { PictureGrid } from "../grid/picture-grid.tsx";
import { CollectionBar } from "../search/collection-bar.tsx";
import { CollectionState } from "../search/collection-state.tsx";
import { useShownCollection } from "../search/use-shown-collection.ts";
import { hasFittingGallery, usePage, useService, useSession } from "../session/session.ts";
import { useValue } from "../state/observable.ts";
import { MapCanvas } from "./map-canvas.tsx";
import { useProjection } from "./use-projection.ts";

/** All pictures of the collection on a plane, the alike near each other. */
export default function MapView() {
  const [{ selection }, change] = usePage();
  const name = useShownCollection();
  const { library } = useSession();
  const collection = useValue(library.collections[name === "index" ? "own" : name]);
  const pictures = name === "index" ? noPictures : collection.pictures;
  const isEncoding = name !== "index" && collection.progress !== undefined;
  const projection = useProjection(isEncoding ? noPictures : pictures);
  const [opened, setOpened] = useState<{ isSelection: boolean; index: number }>();
  useGalleryVectors();

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
          wheel.
        </p>
      </div>
      <CollectionBar />
      <CollectionState name={name} hasQuery />
      {name === "index" && (
        <p class="notice">
          The index keeps its vectors to itself, so there is no map of it. Choose one of the other collections.
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
      {!projection && pictures.some(({ vector }) => vector) && (
        <div class="map map-pending" role="status">
          Arranging the pictures…
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

function useGalleryVectors() {
  const { library } = useSession();
  const service = useService();
  const fits = hasFittingGallery(service);
  const drawings = useValue(library.collections.drawings);
  useEffect(() => {
    if (fits && drawings.pictures.length > 0) void library.loadVectors().catch(() => {});
  }, [fits, drawings, library]);
}
