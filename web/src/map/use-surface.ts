import { useEffect, useRef, useState } from "preact/hooks";
import type { Point, Size } from "./viewport.ts";

/** Gives the size of the canvas in CSS pixels, kept up to date. */
export function useSize(canvas: { current: HTMLElement | null }): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    if (!canvas.current) return;
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setSize({ width, height });
    });
    observer.observe(canvas.current);
    return () => observer.disconnect();
  }, [canvas]);
  return size;
}

/** Zooms with the wheel. The listener is not passive, so that the page does not scroll meanwhile. */
export function useWheel(canvas: { current: HTMLElement | null }, zoom: (factor: number, at: Point) => void) {
  const latest = useRef(zoom);
  latest.current = zoom;
  useEffect(() => {
    const element = canvas.current;
    const listen = (event: WheelEvent) => {
      event.preventDefault();
      latest.current(Math.exp(-event.deltaY / 400), { x: event.offsetX, y: event.offsetY });
    };
    element?.addEventListener("wheel", listen, { passive: false });
    return () => element?.removeEventListener("wheel", listen);
  }, [canvas]);
}
