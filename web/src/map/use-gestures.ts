import { useRef, useState } from "preact/hooks";
import { type Change, drag, type Point } from "./viewport.ts";

export type Tool = "encircle" | "move";

interface GestureOptions {
  tool: Tool;
  /** Moves or zooms the map. */
  onChange: (change: Change) => void;
  /** Called with the place of a click or a tap. */
  onTap: (at: Point) => void;
  onHover: (at: Point) => void;
  /** Called with the line that was drawn around something. */
  onEncircle: (line: Point[]) => void;
}

/** Less movement than this counts as a click; a finger is never quite still. */
const clickWithin = { mouse: 6, touch: 12 };

/**
 * Turns what one or two pointers do into movements of the map and lines around pictures. One pointer does what the tool
 * says, with Shift the other thing; two fingers always move and zoom.
 */
export function useGestures({ tool, onChange, onTap, onHover, onEncircle }: GestureOptions) {
  const pointers = useRef(new Map<number, Point>());
  const gesture = useRef<Gesture | undefined>(undefined);
  const [lasso, setLasso] = useState<Point[]>([]);

  const draw = (line: Point[]) => {
    if (gesture.current) gesture.current.line = line;
    setLasso(line);
  };
  const end = () => {
    gesture.current = undefined;
    setLasso([]);
  };

  const onPointerDown = (event: PointerEvent) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    const at = placeOf(event);
    pointers.current.set(event.pointerId, at);
    if (pointers.current.size > 1) {
      gesture.current = { kind: "move", start: at, line: [], hasMoved: true };
      setLasso([]);
      return;
    }
    const kind = (tool === "encircle") === event.shiftKey ? "move" : "encircle";
    gesture.current = { kind, start: at, line: [at], hasMoved: false };
  };

  const onPointerMove = (event: PointerEvent) => {
    const at = placeOf(event);
    const current = gesture.current;
    if (!pointers.current.has(event.pointerId) || !current) return onHover(at);
    const before = [...pointers.current.values()];
    pointers.current.set(event.pointerId, at);
    const within = event.pointerType === "touch" ? clickWithin.touch : clickWithin.mouse;
    current.hasMoved ||= Math.hypot(at.x - current.start.x, at.y - current.start.y) >= within;
    if (!current.hasMoved) return;
    if (current.kind === "encircle") draw([...current.line, at]);
    else onChange(drag(before, [...pointers.current.values()]));
  };

  const onPointerUp = (event: PointerEvent) => {
    const current = gesture.current;
    pointers.current.delete(event.pointerId);
    if (!current || pointers.current.size > 0) return;
    end();
    if (!current.hasMoved) onTap(current.start);
    else if (current.kind === "encircle") onEncircle(current.line);
  };

  const onPointerCancel = (event: PointerEvent) => {
    pointers.current.delete(event.pointerId);
    end();
  };

  return { lasso, handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel } };
}

interface Gesture {
  kind: Tool;
  start: Point;
  line: Point[];
  hasMoved: boolean;
}

const placeOf = (event: PointerEvent): Point => ({ x: event.offsetX, y: event.offsetY });
