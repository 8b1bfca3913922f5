import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { fileName, type Picture } from "../collections/picture.ts";
import { useService } from "../session/session.ts";
import { drawMap, pictureSide } from "./draw-map.ts";
import { nearestPoint, pointByKey, pointsInside } from "./find-points.ts";
import { MapTip } from "./map-tip.tsx";
import { MapTools } from "./map-tools.tsx";
import { type Tool, useGestures } from "./use-gestures.ts";
import { useMapImages } from "./use-map-images.ts";
import type { Projection } from "./use-projection.ts";
import { useSize, useWheel } from "./use-surface.ts";
import { type Change, type Point, reveal, toScreen, type Viewport, wholeMap, zoomAt } from "./viewport.ts";

interface MapCanvasProps {
  projection: Projection;
  selection: ReadonlySet<string> | undefined;
  onSelect: (ids: Set<string> | undefined) => void;
  onOpen: (index: number) => void;
}

/** Keeps the pictures at the edge of the map whole. */
const margin = 36;

/**
 * Draws the map itself. Pointers encircle pictures or move the map, the wheel zooms, and arrow keys go from picture to
 * picture, which the space bar encircles one by one.
 */
export function MapCanvas({ projection, selection, onSelect, onOpen }: MapCanvasProps) {
  const { pictures, points } = projection;
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(canvas);
  const [zoomed, setZoomed] = useState<Viewport>();
  const [current, setCurrent] = useState<number>();
  const [tool, setTool] = useState<Tool>(() => (matchMedia("(pointer: coarse)").matches ? "move" : "encircle"));
  const [loaded, setLoaded] = useState(0);
  const { status } = useService();
  const imageOf = useMapImages(useCallback(() => setLoaded((count) => count + 1), []));
  useEffect(() => setZoomed(undefined), [size]);
  const whole = wholeMap(size, margin);
  const viewport = zoomed ?? whole;
  const map = { points, viewport };

  const change = (by: Change) => setZoomed((before) => by(before ?? whole, whole));
  const reach = pictureSide(viewport, size, pictures.length) * 0.75;
  const { lasso, handlers } = useGestures({
    tool,
    onChange: change,
    onHover: (at) => setCurrent(nearestPoint(map, at, reach)),
    onTap: (at) => {
      const hit = nearestPoint(map, at, reach);
      if (hit === undefined) onSelect(undefined);
      else onOpen(hit);
    },
    onEncircle: (line) => onSelect(selectionOf(pointsInside(line, map).map((index) => pictures[index]!.id))),
  });
  const zoom = (factor: number, at: Point) => change(zoomAt(at, factor));
  useWheel(canvas, zoom);

  // A change of `loaded` says that there is another picture to draw, one of the status that some can be asked for again.
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
  }, [size, viewport.zoom, viewport.x, viewport.y, points, current, lasso, selection, loaded, status]);

  const middle = { x: size.width / 2, y: size.height / 2 };
  const focus = current === undefined ? middle : toScreen(viewport, points, current);
  const toggle = (index: number) => {
    const { id } = pictures[index]!;
    const others = [...(selection ?? [])].filter((other) => other !== id);
    onSelect(selectionOf(selection?.has(id) ? others : [...others, id]));
  };
  const onKeyDown = keysOf({
    ...{ map, current, toggle, onOpen },
    onZoom: (factor) => zoom(factor, focus),
    onEscape: () => onSelect(undefined),
    onMove(next) {
      setCurrent(next);
      change(reveal(toScreen(viewport, points, next), size, margin));
    },
  });

  return (
    <div class="map">
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it handles its keys itself, as this role says */}
      <canvas
        ref={canvas}
        width={size.width * devicePixelRatio}
        height={size.height * devicePixelRatio}
        // A finger that cannot move the map scrolls the page.
        class={tool === "move" ? `move${viewport.zoom === 1 ? " whole" : ""}` : undefined}
        tabIndex={0}
        role="application"
        data-loaded={loaded}
        aria-label={`Map of ${pictures.length === 1 ? "1 picture" : `${pictures.length} pictures`}. Arrow keys go from picture to picture, Enter opens one, Space encircles it.`}
        {...handlers}
        onPointerLeave={() => setCurrent(undefined)}
        onKeyDown={onKeyDown}
      />
      {current !== undefined && lasso.length === 0 && pictures[current] && (
        <MapTip at={toScreen(viewport, points, current)} size={size} picture={pictures[current]} />
      )}
      <MapTools tool={tool} onTool={setTool} isWhole={viewport.zoom === 1} onZoom={(factor) => zoom(factor, focus)} />
      <p class="hidden" aria-live="polite">
        {current !== undefined && pictures[current] ? spoken(pictures[current], selection) : ""}
      </p>
    </div>
  );
}

interface Keys {
  map: Parameters<typeof pointByKey>[2];
  /** The picture that the keys are at. */
  current: number | undefined;
  toggle: (index: number) => void;
  onOpen: (index: number) => void;
  onMove: (index: number) => void;
  onZoom: (factor: number) => void;
  onEscape: () => void;
}

/** Says what the keys do on the map. */
function keysOf({ map, current, toggle, onOpen, onMove, onZoom, onEscape }: Keys) {
  return (event: KeyboardEvent) => {
    if (event.key === "+") onZoom(1.4);
    if (event.key === "-") onZoom(1 / 1.4);
    if (event.key === "Escape") onEscape();
    if (event.key === "Enter" && current !== undefined) {
      event.preventDefault(); // or the same key would press the first button of the dialog that it opens
      onOpen(current);
    }
    if (event.key === " " && current !== undefined) toggle(current);
    const next = current === undefined && event.key.startsWith("Arrow") ? 0 : pointByKey(event.key, current ?? 0, map);
    if (next === undefined && event.key !== " ") return;
    event.preventDefault();
    if (next !== undefined) onMove(next);
  };
}

const selectionOf = (ids: string[]) => (ids.length > 0 ? new Set(ids) : undefined);

function spoken({ id, name }: Picture, selection: ReadonlySet<string> | undefined): string {
  return selection?.has(id) ? `${fileName(name)}, encircled` : fileName(name);
}
