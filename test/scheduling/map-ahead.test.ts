import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { mapAhead } from "../../src/scheduling/map-ahead.ts";

describe("mapping ahead", () => {
  it("keeps the order, has so many at work at most, and tells how long an item waited for its turn", async () => {
    let atWork = 0;
    let most = 0;
    const waits: number[] = [];
    const doubled = await mapAhead([1, 2, 3, 4, 5, 6, 7], 3, async (item, { index, waitedMs }) => {
      most = Math.max(most, ++atWork);
      waits[index] = waitedMs;
      await new Promise((resolve) => setTimeout(resolve, 20 - item));
      atWork--;
      return item * 2;
    });
    expect(doubled).toEqual([2, 4, 6, 8, 10, 12, 14]);
    expect(most).toBe(3);
    expect(Math.max(...waits.slice(0, 3))).toBeLessThan(waits[3]!);
    expect(waits[6]).toBeGreaterThan(20);
  });

  it("begins nothing more after a failure", async () => {
    const begun: number[] = [];
    const work = async (item: number) => {
      begun.push(item);
      await nextTurn();
      if (item === 1) throw new Error("broken");
    };
    await expect(mapAhead([0, 1, 2, 3, 4, 5], 2, work)).rejects.toThrow("broken");
    await nextTurn();
    await nextTurn();
    expect(begun.length).toBeLessThan(5);
  });
});
