import { describe, expect, it } from "vitest";
import { layoutFor, sizesFor } from "../../src/engine/layout.ts";

/** How many times as fast as one thread an engine is, if an eighth of its work cannot be divided (docs/performance.md). */
const speedOf = (threads: number) => 1 / (0.117 + (1 - 0.117) / threads);

describe("the engines of a tower", () => {
  const auto = { replicas: 0, threads: 0 };

  it("take the whole machine for one image where cores are few, and have four to seven cores each where they are many", () => {
    const layouts = [1, 2, 4, 7, 8, 16, 64].map((cores) => layoutFor(cores, auto));
    expect(layouts).toEqual([
      { replicas: 1, threads: 1 },
      { replicas: 1, threads: 2 },
      { replicas: 1, threads: 4 },
      { replicas: 1, threads: 7 },
      { replicas: 2, threads: 4 },
      { replicas: 4, threads: 4 },
      { replicas: 16, threads: 4 },
    ]);
  });

  it("never have more threads than there are cores, and lose less than half of what they could do", () => {
    for (let cores = 1; cores <= 128; cores++) {
      const { replicas, threads } = layoutFor(cores, auto);
      expect(replicas * threads).toBeLessThanOrEqual(cores);
      expect((replicas * speedOf(threads)) / cores).toBeGreaterThan(0.5);
    }
  });

  it("do not wait for one another in bulk work, where cores are few", () => {
    const layouts = [1, 2, 3, 4, 8, 16, 64].map((cores) => layoutFor(cores, { ...auto, isBulk: true }));
    expect(layouts).toEqual([
      { replicas: 1, threads: 1 },
      { replicas: 2, threads: 1 },
      { replicas: 3, threads: 1 },
      { replicas: 4, threads: 1 },
      { replicas: 4, threads: 2 },
      { replicas: 4, threads: 4 },
      { replicas: 16, threads: 4 },
    ]);
    expect(layoutFor(8, { replicas: 1, threads: 0, isBulk: true })).toEqual({ replicas: 1, threads: 8 });
  });

  it("are what was asked for, and share the cores where only one number was", () => {
    expect(layoutFor(16, { replicas: 2, threads: 3 })).toEqual({ replicas: 2, threads: 3 });
    expect(layoutFor(16, { replicas: 2, threads: 0 })).toEqual({ replicas: 2, threads: 8 });
    expect(layoutFor(2, { replicas: 4, threads: 0 })).toEqual({ replicas: 4, threads: 1 });
    expect(layoutFor(2, { replicas: 0, threads: 1 })).toEqual({ replicas: 1, threads: 1 });
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
