import { type Point, toScreen, type Viewport } from "./viewport.ts";

interface Map {
  points: Float32Array;
  viewport: Viewport;
}

/** The index of the point that is nearest to a place on the screen, within a distance. */
export function nearestPoint({ points, viewport }: Map, at: Point, within: number): number | undefined {
  let best: number | undefined;
  let least = within ** 2;
  for (let index = 0; index < points.length / 2; index++) {
    const { x, y } = toScreen(viewport, points, index);
    const distance = (x - at.x) ** 2 + (y - at.y) ** 2;
    if (distance > least) continue;
    least = distance;
    best = index;
  }
  return best;
}

const directions: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** The next point in the direction of an arrow key; undefined for other keys and at the edge. */
export function pointByKey(key: string, from: number, { points, viewport }: Map): number | undefined {
  const direction = directions[key];
  if (!direction) return undefined;
  const start = toScreen(viewport, points, from);
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < points.length / 2; index++) {
    const { x, y } = toScreen(viewport, points, index);
    const along = (x - start.x) * direction.x + (y - start.y) * direction.y;
    const aside = Math.abs((x - start.x) * direction.y) + Math.abs((y - start.y) * direction.x);
    if (along < 1 || aside > along) continue; // outside the quarter that the arrow points to
    const cost = along + 2 * aside;
    if (cost >= least) continue;
    least = cost;
    best = index;
  }
  return best;
}

/** The indices of the points inside a line drawn around them. */
export function pointsInside(line: Point[], { points, viewport }: Map): number[] {
  const inside: number[] = [];
  for (let index = 0; index < points.length / 2; index++) {
    if (isInside(toScreen(viewport, points, index), line)) inside.push(index);
  }
  return inside;
}

/** A ray from an inner point crosses the line an odd number of times. */
function isInside({ x, y }: Point, line: Point[]): boolean {
  let inside = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [a, b] = [line[i]!, line[j]!];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}
