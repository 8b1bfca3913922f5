import { describe, expect, it } from "vitest";
import { layoutGrid, tileByKey, visibleTiles } from "../../../web/src/grid/grid-layout.ts";

describe("the grid", () => {
  it("fills the width with square tiles, three or more on a phone", () => {
    for (const width of [320, 358, 599, 600, 1184, 1680, 2400]) {
      const { columns, side, gap } = layoutGrid(width, 100);
      expect(columns * side + (columns - 1) * gap).toBeCloseTo(width);
      expect(columns).toBeGreaterThanOrEqual(width < 330 ? 2 : 3);
      expect(side).toBeGreaterThanOrEqual(90);
    }
  });

  it("draws the tiles near the window only, however many there are", () => {
    const layout = layoutGrid(1184, 10_000);
    const [first, last] = visibleTiles(layout, 10_000, { top: 50_000, bottom: 50_900 });
    expect(last - first).toBeLessThan(100);
    expect((first / layout.columns) * layout.rowHeight).toBeLessThan(50_000);
    expect((last / layout.columns) * layout.rowHeight).toBeGreaterThan(50_900);
    expect(visibleTiles(layout, 10_000, { top: -500, bottom: 400 })[0]).toBe(0);
    expect(visibleTiles(layout, 3, { top: 0, bottom: 900 })).toEqual([0, 3]);
  });

  it("is walked through by arrow keys and stays within its ends", () => {
    const layout = layoutGrid(1184, 20);
    expect(tileByKey("ArrowRight", 0, layout, 20)).toBe(1);
    expect(tileByKey("ArrowDown", 0, layout, 20)).toBe(layout.columns);
    expect(tileByKey("ArrowUp", 0, layout, 20)).toBe(0);
    expect(tileByKey("ArrowRight", 19, layout, 20)).toBe(19);
    expect(tileByKey("End", 0, layout, 20)).toBe(19);
    expect(tileByKey("PageDown", 0, layout, 20)).toBe(19);
    expect(tileByKey("a", 0, layout, 20)).toBeUndefined();
  });
});
