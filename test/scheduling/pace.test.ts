import { describe, expect, it } from "vitest";
import { Pace } from "../../src/scheduling/pace.ts";

describe("a pace", () => {
  it("is unknown at first, then what was measured, over all lanes", () => {
    const pace = new Pace(2, () => 0);
    expect(pace.msFor(100)).toBe(0);
    pace.measure(4, 40);
    expect(pace.msFor(100)).toBe(500);
  });

  it("follows a change within some ten measurements, and not one that stands alone", () => {
    const pace = new Pace(1, () => 0);
    pace.measure(1, 10);
    pace.measure(1, 20);
    expect(pace.msFor(1)).toBe(12);
    for (let i = 0; i < 10; i++) pace.measure(1, 20);
    expect(pace.msFor(1)).toBeGreaterThan(19);
  });

  it("is not thrown off by a single measurement, however large", () => {
    const pace = new Pace(1, () => 0);
    pace.measure(1, 10);
    pace.measure(1, 10_000);
    expect(pace.msFor(1)).toBe(14);
    for (let i = 0; i < 25; i++) pace.measure(1, 10_000);
    expect(pace.msFor(1)).toBeGreaterThan(5000); // many are a change
  });

  it("is forgotten after a minute without a measurement", () => {
    let now = 0;
    const pace = new Pace(1, () => now);
    pace.measure(1, 10);
    now = 60_000;
    expect(pace.msFor(1)).toBe(10);
    now = 60_001;
    expect(pace.msFor(1)).toBe(0);
    pace.measure(1, 30);
    expect(pace.msFor(1)).toBe(30);
  });
});
