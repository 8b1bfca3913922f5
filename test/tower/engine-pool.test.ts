import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/contract.ts";
import { EnginePool, type PooledEngine } from "../../src/tower/engine-pool.ts";

const engine: Engine = { run: () => Promise.reject(new Error("unused")), close: async () => {} };
const engines = (...threads: number[]): PooledEngine[] => threads.map((threads) => ({ engine, threads }));
const many = Number.POSITIVE_INFINITY;

/** Makes a pool, adds engines of one thread for each core, and has a clock that the test moves. */
function poolOf(cores: number, large: PooledEngine[]) {
  const clock = { now: 0 };
  const pool = new EnginePool({ engines: large, cores, now: () => clock.now });
  for (const small of engines(...Array(cores).fill(1))) pool.add(small);
  /** Runs full batches, at so many milliseconds for an item, and tells the shares of the engines that they were lent. */
  const run = (batches: number, msPerItem: (share: number) => number) =>
    Array.from({ length: batches }, () => {
      const lent = pool.lend(100, many)!;
      lent.measure(1, msPerItem(lent.share));
      lent.giveBack();
      return lent.share;
    });
  return { pool, run, clock };
}

describe("a pool of engines", () => {
  it("lends those of most threads while items are few, and no more threads than there are cores", () => {
    const { pool } = poolOf(8, engines(4, 4));
    const first = pool.lend(1, 1)!;
    expect(first).toMatchObject({ share: 1, evenly: 1 });
    expect(pool.lend(1, 2)).toMatchObject({ share: 1 });
    expect(pool.isFree).toBe(false);
    expect(pool.lend(1, 3)).toBeUndefined();
    first.giveBack();
    expect(pool.isFree).toBe(true);
    expect(pool.lend(1, 3)).toMatchObject({ share: 1 });
  });

  it.each([
    [2, 1],
    [4, 2],
    [7, 4],
  ])(
    "with %d cores calls %d items few, which one engine does sooner than engines of one thread side by side",
    (cores, few) => {
      const shareFor = (atHand: number) => poolOf(cores, engines(cores)).pool.lend(1, atHand)!.share;
      expect(shareFor(few)).toBe(1);
      expect(shareFor(few + 1)).toBe(1 / cores);
    },
  );

  it("lends those of one thread when items are many, each its part of them", () => {
    const { pool } = poolOf(8, engines(4, 4));
    expect(pool.lend(3, many)).toMatchObject({ share: 0.25, evenly: 1 });
    expect(pool.lend(20, many)).toMatchObject({ share: 0.25, evenly: 3 }); // seven are free
    expect(pool.lend(1, 3)).toMatchObject({ share: 1 }); // six cores are free
    expect(pool.lend(5, many)).toMatchObject({ share: 0.25, evenly: 3 });
    expect(pool.lend(1, many)).toMatchObject({ share: 0.25, evenly: 1 });
    expect(pool.lend(1, many)).toBeUndefined();
  });

  it("has only large ones until others are added, which begin when cores are free", () => {
    const pool = new EnginePool({ engines: engines(2), cores: 2, now: () => 0 });
    const lent = pool.lend(5, many)!;
    expect(lent).toMatchObject({ share: 1, evenly: 5 });
    for (const small of engines(1, 1)) pool.add(small);
    expect(pool.lend(1, many)).toBeUndefined();
    lent.giveBack();
    expect([pool.size, pool.lend(5, many)]).toMatchObject([2, { share: 0.5, evenly: 3 }]);
  });

  it("gives load to the kind that does more in all, whichever it is", () => {
    for (const better of [1, 0.5]) {
      const { run } = poolOf(2, engines(2));
      // Two engines of half the share run side by side.
      const msPerItem = (share: number) => (share === better ? 10 : 12) * (share === 1 ? 1 : 2);
      expect(run(16, msPerItem)).toEqual([...Array(8).fill(0.5), ...Array(8).fill(1)]);
      expect(run(20, msPerItem)).toEqual(Array(20).fill(better));
    }
  });

  it("tries the other kind again when nobody knows any more how fast it was", () => {
    const { run, clock } = poolOf(2, engines(2));
    let best = 0.5;
    const msPerItem = (share: number) => (share === best ? 10 : 12) * (share === 1 ? 1 : 2);
    run(16, msPerItem);
    best = 1; // which is not noticed at once
    clock.now += 50_000;
    expect(run(4, msPerItem)).toEqual(Array(4).fill(0.5));
    clock.now += 50_000;
    expect(run(8, msPerItem)).toEqual(Array(8).fill(1));
    clock.now += 50_000;
    expect(run(20, msPerItem).slice(8)).toEqual(Array(12).fill(1));
  });

  it("tells how long waiting work takes on the kind that it goes to, or while that is unknown, on the other", () => {
    const { pool, run } = poolOf(2, engines(2));
    expect(pool.msFor(10)).toBe(0);
    run(8, () => 20);
    expect(pool.msFor(10)).toBe(100); // two side by side
    run(8, () => 12);
    expect(pool.msFor(10)).toBe(100);
    const other = poolOf(2, engines(2));
    other.run(16, (share) => (share === 1 ? 8 : 20));
    expect(other.pool.msFor(10)).toBe(80);
  });
});
