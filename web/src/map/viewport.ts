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

/** Moves what is seen, but never beyond the edge of the map. */
export function pan(viewport: Viewport, by: Point, whole: Viewport): Viewport {
  const within = (offset: number, at: number, span: number) =>
    Math.min(at, Math.max(at - span * (viewport.zoom - 1), offset));
  return {
    ...viewport,
    x: within(viewport.x + by.x, whole.x, whole.scaleX),
    y: within(viewport.y + by.y, whole.y, whole.scaleY),
  };
}

/** Zooms so that what is under the point stays there. */
export function zoomAt(viewport: Viewport, at: Point, factor: number, whole: Viewport): Viewport {
  const zoom = Math.min(mostZoom, Math.max(1, viewport.zoom * factor));
  if (zoom === 1) return whole;
  const ratio = zoom / viewport.zoom;
  return {
    zoom,
    scaleX: whole.scaleX * zoom,
    scaleY: whole.scaleY * zoom,
    x: at.x - (at.x - viewport.x) * ratio,
    y: at.y - (at.y - viewport.y) * ratio,
  };
}
