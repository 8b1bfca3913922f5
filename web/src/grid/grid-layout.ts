/** Says where the tiles of a grid stand. All numbers are CSS pixels. */
export interface GridLayout {
  columns: number;
  side: number;
  rowHeight: number;
  height: number;
}

const gap = 16;
const narrowGap = 8;
/** Two lines of small text and the bar stand under a picture. */
export const captionHeight = 34;

export function layoutGrid(width: number, count: number): GridLayout & { gap: number } {
  const isNarrow = width < 600;
  const between = isNarrow ? narrowGap : gap;
  const least = isNarrow ? 100 : 150;
  const columns = Math.max(2, Math.floor((width + between) / (least + between)));
  const side = Math.max(0, (width - between * (columns - 1)) / columns);
  const rowHeight = side + captionHeight + between;
  return { columns, side, rowHeight, height: Math.ceil(count / columns) * rowHeight, gap: between };
}

/**
 * Gives the tiles within a window from top to bottom, and a screen more on both sides so that scrolling shows no gap.
 */
export function visibleTiles(
  layout: GridLayout,
  count: number,
  window: { top: number; bottom: number },
): [number, number] {
  const { columns, rowHeight } = layout;
  const margin = Math.max(rowHeight, (window.bottom - window.top) / 2);
  const firstRow = Math.max(0, Math.floor((window.top - margin) / rowHeight));
  const lastRow = Math.ceil((window.bottom + margin) / rowHeight);
  return [Math.min(count, firstRow * columns), Math.max(0, Math.min(count, lastRow * columns))];
}

/** Finds the tile that an arrow key goes to; it is undefined for other keys. */
export function tileByKey(key: string, from: number, { columns }: GridLayout, count: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowRight: from + 1,
    ArrowLeft: from - 1,
    ArrowDown: from + columns,
    ArrowUp: from - columns,
    Home: 0,
    End: count - 1,
    PageDown: from + columns * 4,
    PageUp: from - columns * 4,
  };
  const to = steps[key];
  if (to === undefined) return undefined;
  if (key.startsWith("Page")) return Math.min(count - 1, Math.max(0, to));
  return to >= 0 && to < count ? to : from;
}
