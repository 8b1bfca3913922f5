import { describe, expect, it } from "vitest";
import { dueTimes } from "../../src/tower/due-times.ts";

describe("the items of a request", () => {
  it("are due one after another, all within a quarter of its time", () => {
    const small = dueTimes({ items: 3, since: 100, now: () => 500, deadline: 10_100, isBulk: false });
    expect([0, 1, 2].map(small)).toEqual([100, 120, 140]);
    const large = dueTimes({ items: 2000, since: 0, now: () => 0, deadline: 8_000, isBulk: false });
    expect(large(1999)).toBeLessThan(2_000);
  });

  it("let single items go first where a large request has fallen behind, but not to its end", () => {
    let now = 0;
    const dueAt = dueTimes({ items: 2000, since: 0, now: () => now, deadline: 8_000, isBulk: true });
    expect(dueAt(0)).toBe(1_000);
    now = 500;
    expect(dueAt(3)).toBe(1_500);
    now = 7_000;
    expect(dueAt(3)).toBe(2_000);
  });
});
