export interface Point {
  x: number;
  y: number;
}

/**
 * Says which part of the map is seen: screen = map × scale + offset, in CSS pixels. The axes mean nothing, so each
 * fills its side.
 */
export interface Viewport {
  zoom: number;
  scaleX: number;
  scaleY: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

const mostZoom = 40;

/** Moves the points so that each axis goes from 0 to 1. */
export function normalise(points: Float32Array): Float32Array {
  const ranges = [0, 1].map((axis) => {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let at = axis; at < points.length; at += 2) {
      least = Math.min(least, points[at]!);
      most = Math.max(most, points[at]!);
    }
    return { least, width: most - least };
  });
  return points.map((value, at) => {
    const { least, width } = ranges[at % 2]!;
    return width > 0 ? (value - least) / width : 0.5;
  });
}

/** Shows the whole map, with room for the pictures at its edge. */
export function wholeMap({ width, height }: Size, margin: number): Viewport {
  const [scaleX, scaleY] = [Math.max(1, width - 2 * margin), Math.max(1, height - 2 * margin)];
  return { zoom: 1, scaleX, scaleY, x: margin, y: margin };
}

export function toScreen({ scaleX, scaleY, x, y }: Viewport, points: Float32Array, index: number): Point {
  return { x: points[2 * index]! * scaleX + x, y: points[2 * index + 1]! * scaleY + y };
}

/** Turns what is seen into something else: `whole` is the view of the whole map. */
export type Change = (viewport: Viewport, whole: Viewport) => Viewport;

/** Moves what is seen, but never beyond the edge of the map. */
export function pan(by: Point): Change {
  return (viewport, whole) => {
    const within = (offset: number, at: number, span: number) =>
      Math.min(at, Math.max(at - span * (viewport.zoom - 1), offset));
    return {
      ...viewport,
      x: within(viewport.x + by.x, whole.x, whole.scaleX),
      y: within(viewport.y + by.y, whole.y, whole.scaleY),
    };
  };
}

/** Zooms so that what is under the point stays there, or as near as the edge of the map allows. */
export function zoomAt(at: Point, factor: number): Change {
  return (viewport, whole) => {
    const zoom = Math.min(mostZoom, Math.max(1, viewport.zoom * factor));
    const ratio = zoom / viewport.zoom;
    const zoomed = {
      zoom,
      scaleX: whole.scaleX * zoom,
      scaleY: whole.scaleY * zoom,
      x: at.x - (at.x - viewport.x) * ratio,
      y: at.y - (at.y - viewport.y) * ratio,
    };
    return pan({ x: 0, y: 0 })(zoomed, whole);
  };
}

/** Follows one pointer, or two that move and spread, so that what is under them stays there. */
export function drag(before: Point[], after: Point[]): Change {
  const [from, to] = [centreOf(before), centreOf(after)];
  const factor = before.length > 1 ? spreadOf(after) / Math.max(1, spreadOf(before)) : 1;
  return (viewport, whole) => pan({ x: to.x - from.x, y: to.y - from.y })(zoomAt(from, factor)(viewport, whole), whole);
}

/** Moves a place into what is seen, with a margin around it. */
export function reveal({ x, y }: Point, { width, height }: Size, margin: number): Change {
  const into = (at: number, length: number) => Math.min(length - margin, Math.max(margin, at)) - at;
  return pan({ x: into(x, width), y: into(y, height) });
}

function centreOf(points: Point[]): Point {
  const sum = points.reduce((total, { x, y }) => ({ x: total.x + x, y: total.y + y }));
  return { x: sum.x / points.length, y: sum.y / points.length };
}

const spreadOf = ([a, b]: Point[]) => Math.hypot(a!.x - b!.x, a!.y - b!.y);
