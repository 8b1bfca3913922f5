import { describe, expect, it } from "vitest";
import { type LayoutOptions, layoutFor, sizesFor } from "../../src/engine/layout.ts";

/** How many times as fast as one thread an engine is, if an eighth of its work cannot be divided (docs/performance.md). */
const speedOf = (threads: number) => 1 / (0.117 + (1 - 0.117) / threads);

/** Writes what `layoutFor` gives for such numbers of cores, as "engines x threads". */
const layouts = (numbers: number[], asked: Partial<LayoutOptions> = {}) =>
  numbers.map((cores) => {
    const { engines, enginesForLoad, cores: used } = layoutFor(cores, { replicas: 0, threads: 0, ...asked });
    expect(new Set(engines).size).toBe(1);
    return `${engines.length} x ${engines[0]}${enginesForLoad ? ` or ${enginesForLoad} x 1` : ""} on ${used}`;
  });

describe("the engines of a tower", () => {
  it("take the whole machine for one image where cores are few, and have four to seven cores each where they are many", () => {
    expect(layouts([1, 2, 4, 7, 8, 16, 64])).toEqual([
      ...["1 x 1 on 1", "1 x 2 on 2", "1 x 4 on 4", "1 x 7 on 7", "2 x 4 on 8", "4 x 4 on 16", "16 x 4 on 64"],
    ]);
  });

  it("have others of one thread for load beside them, as many as there are cores, where they share their weights", () => {
    expect(layouts([1, 2, 7, 16], { isShared: true })).toEqual([
      ...["1 x 1 on 1", "1 x 2 or 2 x 1 on 2", "1 x 7 or 7 x 1 on 7", "4 x 4 or 16 x 1 on 16"],
    ]);
  });

  it("use no more threads than there are cores, and lose less than half of what they could do", () => {
    for (let cores = 1; cores <= 128; cores++) {
      const { engines, cores: used } = layoutFor(cores, { replicas: 0, threads: 0 });
      expect(used).toBeLessThanOrEqual(cores);
      expect(engines.reduce((sum, threads) => sum + threads, 0)).toBe(used);
      expect(engines.reduce((sum, threads) => sum + speedOf(threads), 0) / cores).toBeGreaterThan(0.5);
    }
  });

  it("do not wait for one another in bulk work, where cores are few or weights are shared", () => {
    expect(layouts([1, 2, 3, 4, 8, 16, 64], { isBulk: true })).toEqual([
      ...["1 x 1 on 1", "2 x 1 on 2", "3 x 1 on 3", "4 x 1 on 4", "4 x 2 on 8", "4 x 4 on 16", "16 x 4 on 64"],
    ]);
    expect(layouts([1, 2, 16], { isBulk: true, isShared: true })).toEqual([
      ...["1 x 1 on 1", "2 x 1 on 2", "16 x 1 on 16"],
    ]);
    expect(layouts([8], { replicas: 1, isBulk: true })).toEqual(["1 x 8 on 8"]);
  });

  it("are what was asked for, and share the cores where only one number was", () => {
    expect(layouts([16], { replicas: 2, threads: 3 })).toEqual(["2 x 3 on 6"]);
    expect(layouts([16], { replicas: 2 })).toEqual(["2 x 8 on 16"]);
    expect(layouts([2], { replicas: 4 })).toEqual(["4 x 1 on 4"]);
    expect(layouts([2], { threads: 1 })).toEqual(["1 x 1 on 1"]);
  });
});

describe("what suits a device", () => {
  const auto = { decodeProcesses: 0, maxImageBatch: 0 };

  it("is a larger batch on a GPU, and a decoder for each core up to a number that keeps the device busy", () => {
    expect(sizesFor("cpu", 4, auto)).toEqual({ decodeProcesses: 4, maxImageBatch: 8 });
    expect(sizesFor("cpu", 96, auto)).toEqual({ decodeProcesses: 8, maxImageBatch: 8 });
    expect(sizesFor("cuda", 4, auto)).toEqual({ decodeProcesses: 4, maxImageBatch: 64 });
    expect(sizesFor("cuda", 96, auto)).toEqual({ decodeProcesses: 64, maxImageBatch: 64 });
  });

  it("is what the settings say, where they say it", () => {
    const asked = { decodeProcesses: 3, maxImageBatch: 16 };
    for (const device of ["cpu", "cuda"] as const) expect(sizesFor(device, 8, asked)).toEqual(asked);
  });
});
