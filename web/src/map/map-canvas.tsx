import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { fileName } from "../collections/picture.ts";
import { PictureImage } from "../grid/picture-image.tsx";
import { Icon } from "../shell/icon.tsx";
import { drawMap, pictureSide } from "./draw-map.ts";
import { nearestPoint, pointByKey, pointsInside } from "./find-points.ts";
import { useMapImages } from "./use-map-images.ts";
import type { Projection } from "./use-projection.ts";
import { type Point, pan, type Size, toScreen, type Viewport, wholeMap, zoomAt } from "./viewport.ts";

interface MapCanvasProps {
  projection: Projection;
  selection: ReadonlySet<string> | undefined;
  onSelect: (ids: Set<string> | undefined) => void;
  onOpen: (index: number) => void;
}

/** Less movement than this counts as a click. */
const clickWithin = 6;
/** Keeps the pictures at the edge of the map whole. */
const margin = 36;

/**
 * Draws the map itself. A drag encircles pictures, with Shift it moves the map; the wheel zooms, and arrow keys go from
 * picture to picture.
 */
export function MapCanvas({ projection, selection, onSelect, onOpen }: MapCanvasProps) {
  const { pictures, points } = projection;
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(canvas);
  const [zoomed, setZoomed] = useState<Viewport>();
  const [current, setCurrent] = useState<number>();
  const [lasso, setLasso] = useState<Point[]>([]);
  const [loaded, setLoaded] = useState(0);
  const imageOf = useMapImages(useCallback(() => setLoaded((count) => count + 1), []));
  const whole = wholeMap(size, margin);
  const viewport = zoomed ?? whole;
  const map = { points, viewport };

  // A change of `loaded` says that there is another picture to draw.
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (!canvas.current) return;
      drawMap(canvas.current, {
        ...{ size, viewport, points, current, lasso },
        isSelected: (index) => selection?.has(pictures[index]!.id) ?? false,
        hasSelection: selection !== undefined,
        imageOf: (index) => imageOf(pictures[index]!),
      });
    });
    return () => cancelAnimationFrame(frame);
  }, [size, viewport.zoom, viewport.x, viewport.y, points, current, lasso, selection, loaded]);

  const zoom = (factor: number, at: Point = { x: size.width / 2, y: size.height / 2 }) =>
    setZoomed(zoomAt(viewport, at, factor, whole));
  useWheel(canvas, zoom);

  const reach = pictureSide(viewport, size, pictures.length) * 0.75;
  const onPointerMove = (event: PointerEvent) => {
    const at = { x: event.offsetX, y: event.offsetY };
    if (event.buttons > 0 && event.shiftKey)
      setZoomed(pan(viewport, { x: event.movementX, y: event.movementY }, whole));
    else if (lasso.length > 0) setLasso([...lasso, at]);
    else setCurrent(nearestPoint(map, at, reach));
  };
  const onPointerUp = (event: PointerEvent) => {
    const [start] = lasso;
    setLasso([]);
    if (!start) return;
    const at = { x: event.offsetX, y: event.offsetY };
    if (Math.hypot(at.x - start.x, at.y - start.y) < clickWithin && lasso.length < 12) {
      const hit = nearestPoint(map, at, reach);
      if (hit === undefined) onSelect(undefined);
      else onOpen(hit);
      return;
    }
    const ids = pointsInside(lasso, map).map((index) => pictures[index]!.id);
    onSelect(ids.length > 0 ? new Set(ids) : undefined);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && current !== undefined) onOpen(current);
    if (event.key === "+") zoom(1.4);
    if (event.key === "-") zoom(1 / 1.4);
    if (event.key === "Escape") onSelect(undefined);
    const next = current === undefined && event.key.startsWith("Arrow") ? 0 : pointByKey(event.key, current ?? 0, map);
    if (next === undefined) return;
    event.preventDefault();
    setCurrent(next);
  };

  return (
    <div class="map">
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it handles its keys itself, as this role says */}
      <canvas
        ref={canvas}
        width={size.width * devicePixelRatio}
        height={size.height * devicePixelRatio}
        tabIndex={0}
        role="application"
        data-loaded={loaded}
        aria-label={`Map of ${pictures.length} pictures. Arrow keys go from picture to picture, Enter opens one.`}
        onPointerMove={onPointerMove}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          if (!event.shiftKey) setLasso([{ x: event.offsetX, y: event.offsetY }]);
        }}
        onPointerUp={onPointerUp}
        onPointerCancel={() => setLasso([])}
        onPointerLeave={() => setCurrent(undefined)}
        onKeyDown={onKeyDown}
      />
      {current !== undefined && lasso.length === 0 && pictures[current] && (
        <MapTip at={toScreen(viewport, points, current)} size={size} picture={pictures[current]} />
      )}
      <div class="map-zoom">
        <button type="button" class="round" aria-label="Zoom in" onClick={() => zoom(1.6)}>
          <Icon name="plus" />
        </button>
        <button type="button" class="round" aria-label="Zoom out" onClick={() => zoom(1 / 1.6)}>
          <Icon name="minus" />
        </button>
      </div>
      <p class="hidden" aria-live="polite">
        {current !== undefined && pictures[current] ? fileName(pictures[current].name) : ""}
      </p>
    </div>
  );
}

function MapTip({ at, size, picture }: { at: Point; size: Size; picture: Projection["pictures"][number] }) {
  const isRight = at.x > size.width / 2;
  const isLow = at.y > size.height / 2;
  const style = {
    transform: `translate(${at.x + (isRight ? -196 : 36)}px, ${at.y + (isLow ? -196 : 8)}px)`,
  };
  return (
    <div class="map-tip" style={style} aria-hidden="true">
      <PictureImage picture={picture} />
      <bdi>{fileName(picture.name)}</bdi>
    </div>
  );
}

function useSize(canvas: { current: HTMLElement | null }): Size {
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

/** The listener is not passive, so that the page does not scroll while the map zooms. */
function useWheel(canvas: { current: HTMLElement | null }, zoom: (factor: number, at: Point) => void) {
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
