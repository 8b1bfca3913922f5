import { describe, expect, it } from "vitest";
import type { Device } from "../../src/engine/device.ts";
import { batchSizesFor, decodersFor, type LayoutOptions, layoutFor, type Products } from "../../src/engine/layout.ts";

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
  const auto = { maxImageBatch: 0, maxTextBatch: 0, maxBatchTokens: 0 };
  const sizes = (device: Device, threads: number, isBulk = false) =>
    Object.values(batchSizesFor(device, { threads, products: "int8", isBulk }, auto));

  it("is a decoder for each core up to a number that keeps the device busy", () => {
    expect([decodersFor("cpu", 4, 0), decodersFor("cpu", 96, 0)]).toEqual([4, 8]);
    expect([decodersFor("cuda", 4, 0), decodersFor("cuda", 96, 0)]).toEqual([4, 64]);
  });

  it("is a batch that grows with an engine's threads, up to a number of them, and a larger one on a GPU", () => {
    expect([1, 2, 4, 8, 64].map((threads) => sizes("cpu", threads))).toEqual([
      [2, 8, 128],
      [4, 16, 256],
      [8, 32, 512],
      [16, 64, 1024],
      [16, 64, 1024],
    ]);
    expect(sizes("cuda", 4)).toEqual([64, 64, 2048]);
  });

  it("is a batch of more images where products are fast, or weights large, but in bulk work", () => {
    const imagesOf = (products: Products, isBulk: boolean) =>
      batchSizesFor("cpu", { threads: 2, products, isBulk }, auto).maxImageBatch;
    const all: Products[] = ["int8", "fast int8", "float"];
    expect(all.map((products) => imagesOf(products, false))).toEqual([4, 6, 8]);
    expect(all.map((products) => imagesOf(products, true))).toEqual([16, 16, 16]);
  });

  it("is a batch of four times as much in bulk work, where nobody waits", () => {
    expect([1, 8, 64].map((threads) => sizes("cpu", threads, true))).toEqual([
      [8, 32, 512],
      [64, 256, 4096],
      [64, 256, 4096],
    ]);
    expect(sizes("cuda", 4, true)).toEqual([64, 64, 2048]);
  });

  it("is what the settings say, where they say it", () => {
    const asked = { maxImageBatch: 16, maxTextBatch: 3, maxBatchTokens: 5 };
    for (const device of ["cpu", "cuda"] as const) {
      expect(batchSizesFor(device, { threads: 2, products: "float", isBulk: true }, asked)).toEqual(asked);
      expect(decodersFor(device, 8, 3)).toBe(3);
    }
  });
});
