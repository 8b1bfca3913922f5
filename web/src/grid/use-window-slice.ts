import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type GridLayout, visibleTiles } from "./grid-layout.ts";

/** Gives the width of an element, kept up to date. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

/** Tells which tiles of a grid are in the window or near it: from the first to before the second number. */
export function useWindowSlice(
  element: RefObject<HTMLElement | null>,
  layout: GridLayout,
  count: number,
): [number, number] {
  const [window, setWindow] = useState({ top: 0, bottom: innerHeight });
  const { rowHeight } = layout;
  useEffect(() => {
    let frame = 0;
    const measure = () => {
      frame = 0;
      const top = -(element.current?.getBoundingClientRect().top ?? 0);
      // In steps of a row: most movements then draw nothing anew.
      const step = Math.max(1, rowHeight);
      const start = Math.floor(top / step) * step;
      setWindow((before) =>
        before.top === start && before.bottom === start + innerHeight + step
          ? before
          : { top: start, bottom: start + innerHeight + step },
      );
    };
    const later = () => {
      frame ||= requestAnimationFrame(measure);
    };
    measure();
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", later);
      removeEventListener("resize", later);
    };
  }, [element, rowHeight, count]);
  return visibleTiles(layout, count, window);
}
