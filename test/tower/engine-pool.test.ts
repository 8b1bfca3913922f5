import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/contract.ts";
import { EnginePool } from "../../src/tower/engine-pool.ts";

const engine: Engine = { run: () => Promise.reject(new Error("unused")), close: async () => {} };
const engines = (...threads: number[]) => threads.map((threads) => ({ engine, threads }));
/** Makes a pool of eight cores: two engines of four threads, and eight of one. */
const mixed = () => {
  const pool = new EnginePool(engines(4, 4), 8);
  pool.add(engines(...Array(8).fill(1)));
  return pool;
};
const quiet = { foundFree: true };
const loaded = { foundFree: false };

describe("a pool of engines", () => {
  it("lends the largest to items that find enough cores for each, and no more threads than there are cores", () => {
    const pool = mixed();
    const first = pool.lend(1, quiet)!;
    const second = pool.lend(1, quiet)!;
    expect([first, second].map(({ share, isForLoad }) => ({ share, isForLoad }))).toEqual(
      Array(2).fill({ share: 1, isForLoad: false }),
    );
    expect(pool.free).toBe(0);
    expect(pool.lend(1, quiet)).toBeUndefined();
    first.giveBack();
    expect(pool.free).toBe(4);
    expect(pool.lend(1, quiet)!.share).toBe(1);
  });

  it("lends those of one thread when items are more than the cores are many times of, or have waited", () => {
    const pool = mixed();
    const share = { share: 0.25, isForLoad: true };
    expect(pool.lend(3, quiet)).toMatchObject(share);
    expect(pool.lend(1, loaded)).toMatchObject(share);
    expect(pool.free).toBe(6);
    expect(pool.lend(1, quiet)).toMatchObject({ share: 1 }); // four of the other cores are free
    expect(pool.free).toBe(2);
    expect(pool.lend(1, quiet)).toMatchObject(share);
    expect(pool.lend(1, quiet)).toMatchObject(share);
    expect(pool.lend(1, quiet)).toBeUndefined();
  });

  it("has only large ones for load until others are added", () => {
    const pool = new EnginePool(engines(2), 2);
    expect(pool.size).toBe(1);
    const lent = pool.lend(5, loaded)!;
    expect(lent).toMatchObject({ share: 1, isForLoad: true });
    pool.add(engines(1, 1));
    expect([pool.size, pool.free]).toEqual([2, 0]); // all cores are at work
    expect(pool.lend(1, loaded)).toBeUndefined();
    lent.giveBack();
    expect(pool.free).toBe(2);
    expect(pool.lend(5, loaded)).toMatchObject({ share: 0.5, isForLoad: true });
  });

  it("lends a large one where all small ones hang", () => {
    const pool = new EnginePool(engines(2), 4);
    pool.add(engines(1, 1));
    pool.lend(1, loaded);
    pool.lend(1, loaded);
    expect(pool.free).toBe(0);
    expect(pool.lend(1, loaded)).toMatchObject({ share: 1 });
  });
});
