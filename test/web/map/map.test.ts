import { describe, expect, it } from "vitest";
import { nearestPoint, pointByKey, pointsInside } from "../../../web/src/map/find-points.ts";
import { asCsv, asJson } from "../../../web/src/map/map-export.ts";
import { principalComponents } from "../../../web/src/map/pca.ts";
import { placeByNeighbours } from "../../../web/src/map/place-by-neighbours.ts";
import { drag, normalise, pan, reveal, toScreen, wholeMap, zoomAt } from "../../../web/src/map/viewport.ts";

describe("principal components", () => {
  it("find the direction along which rows differ most", () => {
    const count = 50;
    const values = new Float32Array(count * 3);
    for (let row = 0; row < count; row++) values.set([row * 3 + 7, (row % 3) * 0.1, row * 4 - 2], row * 3);
    const scores = principalComponents({ values, count, width: 3 }, 2);
    const along = Array.from({ length: count }, (_, row) => scores.values[row * 2]!);
    const step = Math.abs(along[1]! - along[0]!);
    expect(step).toBeCloseTo(5, 2); // 3 and 4 give 5
    for (let row = 1; row < count; row++) expect(Math.abs(along[row]! - along[row - 1]!)).toBeCloseTo(5, 2);
  });

  it("do not fail on rows that are all the same", () => {
    const scores = principalComponents({ values: new Float32Array(40).fill(1), count: 10, width: 4 }, 2);
    expect([...scores.values].every((value) => Math.abs(value) < 1e-5)).toBe(true);
  });
});

describe("a row outside the sample", () => {
  it("is placed between its nearest neighbours", () => {
    const rows = { values: Float32Array.of(0, 1, 10, 11, 0.5), count: 5, width: 1 };
    const points = placeByNeighbours(
      rows,
      [0, 1],
      [
        [0, 0],
        [2, 4],
      ],
    );
    expect([...points.subarray(8)]).toEqual([1, 2]);
  });
});

describe("the map", () => {
  const points = normalise(Float32Array.of(-4, 10, 4, 10, 0, 30, -4, 30));
  const viewport = wholeMap({ width: 220, height: 120 }, 10);
  const map = { points, viewport };

  it("fills its canvas but for a margin", () => {
    expect(toScreen(viewport, points, 0)).toEqual({ x: 10, y: 10 });
    expect(toScreen(viewport, points, 1)).toEqual({ x: 210, y: 10 });
    expect(toScreen(viewport, points, 2)).toEqual({ x: 110, y: 110 });
  });

  it("keeps the place under the pointer when it zooms, and never becomes smaller than whole", () => {
    const at = toScreen(viewport, points, 2);
    const near = zoomAt(at, 3)(viewport, viewport);
    expect(toScreen(near, points, 2)).toEqual(at);
    expect(toScreen(near, points, 0).x).toBe(110 - 3 * 100);
    expect(zoomAt(at, 0.01)(near, viewport)).toEqual(viewport);
  });

  it("moves no further than its edge", () => {
    const near = zoomAt({ x: 110, y: 60 }, 4)(viewport, viewport);
    const moved = pan({ x: 15, y: -10 })(near, viewport);
    expect([moved.x - near.x, moved.y - near.y]).toEqual([15, -10]);
    expect(pan({ x: 10_000, y: 10_000 })(near, viewport)).toMatchObject({ x: viewport.x, y: viewport.y });
    const last = pan({ x: -10_000, y: -10_000 })(near, viewport);
    expect(last.x + near.scaleX).toBeCloseTo(viewport.x + viewport.scaleX);
  });

  it("follows one finger, and two that spread, so that what was under them stays there", () => {
    const near = zoomAt({ x: 110, y: 60 }, 4)(viewport, viewport);
    const moved = drag([{ x: 50, y: 50 }], [{ x: 60, y: 45 }])(near, viewport);
    expect([moved.x - near.x, moved.y - near.y]).toEqual([10, -5]);
    const fingers = [
      { x: 100, y: 60 },
      { x: 120, y: 60 },
    ];
    const spread = [
      { x: 95, y: 70 },
      { x: 135, y: 70 },
    ];
    const pinched = drag(fingers, spread)(near, viewport);
    expect(pinched.zoom).toBe(8);
    const onMap = (view: typeof near, { x, y }: { x: number; y: number }) => [
      (x - view.x) / view.scaleX,
      (y - view.y) / view.scaleY,
    ];
    for (const finger of [0, 1]) {
      const [before, after] = [onMap(near, fingers[finger]!), onMap(pinched, spread[finger]!)];
      expect(after[0]).toBeCloseTo(before[0]!);
      expect(after[1]).toBeCloseTo(before[1]!);
    }
    const zoomedOut = drag(spread, [spread[0]!, spread[0]!])(near, viewport);
    expect(zoomedOut).toEqual(viewport);
  });

  it("brings a place outside of what is seen into it, and leaves one inside where it is", () => {
    const near = zoomAt({ x: 110, y: 60 }, 4)(viewport, viewport);
    const right = toScreen(near, points, 1); // the right upper corner
    const shown = toScreen(reveal(right, { width: 220, height: 120 }, 10)(near, viewport), points, 1);
    expect(shown).toEqual({ x: 210, y: 10 });
    expect(reveal({ x: 100, y: 50 }, { width: 220, height: 120 }, 10)(near, viewport)).toEqual(near);
  });

  it("finds the point under the pointer, inside a line, and in the direction of a key", () => {
    expect(nearestPoint(map, { x: 205, y: 12 }, 20)).toBe(1);
    expect(nearestPoint(map, { x: 160, y: 60 }, 20)).toBeUndefined();
    const line = [
      { x: 0, y: 50 },
      { x: 150, y: 50 },
      { x: 150, y: 120 },
      { x: 0, y: 120 },
    ];
    expect(pointsInside(line, map)).toEqual([2, 3]);
    expect(pointByKey("ArrowRight", 0, map)).toBe(1);
    expect(pointByKey("ArrowRight", 1, map)).toBeUndefined();
    expect(pointByKey("Enter", 1, map)).toBeUndefined();
  });
});

describe("an exported map", () => {
  const origin = { kind: "index" as const, id: "" };
  const pictures = ["a.jpg", '=1+"b".jpg'].map((name, at) => ({ id: `own-${at}`, name, origin }));
  const projection = { pictures, points: Float32Array.of(0, 1, 0.25, 0.5), isFinal: true };

  it("says where each picture lies", () => {
    expect(asCsv(projection, undefined)).toBe(
      'name,x,y\r\n"a.jpg",0.0000,1.0000\r\n"\'=1+""b"".jpg",0.2500,0.5000\r\n',
    );
  });

  it("holds what is encircled, if something is", () => {
    const written = JSON.parse(asJson(projection, new Set(["own-1"])));
    expect(written).toEqual({ pictures: [{ id: "own-1", path: '=1+"b".jpg', x: 0.25, y: 0.5 }] });
  });
});
