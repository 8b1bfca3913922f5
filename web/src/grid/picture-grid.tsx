import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Picture } from "../collections/picture.ts";
import { usePictureActions } from "../session/use-picture-actions.ts";
import type { Ranked } from "../vectors/ranking.ts";
import { layoutGrid, tileByKey } from "./grid-layout.ts";
import { PictureTile } from "./picture-tile.tsx";
import { useWidth, useWindowSlice } from "./use-window-slice.ts";

interface GridProps {
  label: string;
  items: Ranked<Picture>[];
  isRanked: boolean;
  onOpen: (index: number) => void;
  /** Called when the end comes near. */
  onEnd?: (() => void) | undefined;
}

/** Shows a grid of any length: only the tiles near the window are in the document. */
export function PictureGrid({ label, items, isRanked, onOpen, onEnd }: GridProps) {
  const list = useRef<HTMLUListElement>(null);
  const width = useWidth(list);
  const layout = layoutGrid(width, items.length);
  const [first, last] = useWindowSlice(list, layout, items.length);
  const actions = usePictureActions();
  const [current, setCurrent] = useState(0);
  const [hovered, setHovered] = useState<number>();
  const moveTo = useRef<number | undefined>(undefined);
  const best = isRanked ? items[0]?.score : undefined;

  // Another query starts at its best picture.
  useEffect(() => setCurrent(0), [label]);

  // Before the page is painted, so that the next key finds the focus where this one put it.
  useLayoutEffect(() => {
    if (moveTo.current === undefined) return;
    const tile = list.current?.querySelector<HTMLElement>(`[data-index="${moveTo.current}"]`);
    if (!tile) return;
    moveTo.current = undefined;
    tile.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
  });

  useEffect(() => {
    if (items.length > 0 && last >= items.length) onEnd?.();
  }, [last, items.length, onEnd]);

  const onKeyDown = (event: KeyboardEvent) => {
    const from = indexOf(event.target);
    if (from === undefined) return;
    const to = tileByKey(event.key, from, layout, items.length);
    if (to === undefined) return;
    event.preventDefault();
    moveTo.current = to;
    setCurrent(to);
    if (to < first || to >= last) scrollToRow(list.current, Math.floor(to / layout.columns) * layout.rowHeight);
  };

  return (
    <ul
      ref={list}
      class="grid"
      aria-label={label}
      style={{ height: `${layout.height}px` }}
      onKeyDown={onKeyDown}
      onClick={(event) => {
        const index = indexOf(event.target);
        if (index !== undefined) onOpen(index);
      }}
      onPointerOver={(event) => setHovered(tileOf(event.target))}
      onPointerLeave={() => setHovered(undefined)}
      onFocusIn={(event) => {
        const index = indexOf(event.target);
        if (index !== undefined) setCurrent(index);
      }}
    >
      {width > 0 &&
        tilesOf(first, last, current, items.length).map((index) => {
          const { picture, score, alike } = items[index]!;
          return (
            <PictureTile
              key={picture.id}
              picture={picture}
              score={isRanked ? score : undefined}
              best={best}
              alikeCount={alike?.length ?? 0}
              index={index}
              count={items.length}
              isCurrent={index === current}
              hasActions={index === current || index === hovered}
              x={(index % layout.columns) * (layout.side + layout.gap)}
              y={Math.floor(index / layout.columns) * layout.rowHeight}
              side={layout.side}
              actions={actions}
            />
          );
        })}
    </ul>
  );
}

/** The tiles near the window, and the one that the Tab key enters the grid by, wherever it is. */
function tilesOf(first: number, last: number, current: number, count: number): number[] {
  const tiles = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
  return current < count && (current < first || current >= last) ? [...tiles, current] : tiles;
}

function indexOf(target: EventTarget | null): number | undefined {
  const index = target instanceof Element ? target.closest<HTMLElement>(".tile-picture")?.dataset.index : undefined;
  return index === undefined ? undefined : Number(index);
}

/** The tile that the pointer is over: its actions lie beside its picture. */
function tileOf(target: EventTarget | null): number | undefined {
  const tile = target instanceof Element ? target.closest(".tile") : undefined;
  return indexOf(tile?.querySelector(".tile-picture") ?? null);
}

function scrollToRow(list: HTMLElement | null, y: number): void {
  const top = (list?.getBoundingClientRect().top ?? 0) + scrollY;
  scrollTo({ top: top + y - innerHeight / 3 });
}
