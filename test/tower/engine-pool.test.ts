import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/contract.ts";
import { EnginePool, type LentEngine, type PooledEngine } from "../../src/tower/engine-pool.ts";

/** Tells how many threads work on what is lent, by its `run`. */
const threadsOf = new WeakMap<Engine["run"], number>();
const threads = (lent: Pick<LentEngine, "run">) => threadsOf.get(lent.run);

/** Makes what is lent: an engine of its own, or one of the threads of another. */
function pooled(threads: number, engine?: Engine): PooledEngine {
  const run: Engine["run"] = () => Promise.reject(new Error("unused"));
  threadsOf.set(run, threads);
  return { engine: engine ?? { run, close: async () => {} }, threads, run };
}
const engines = (...threads: number[]): PooledEngine[] => threads.map((threads) => pooled(threads));
const many = Number.POSITIVE_INFINITY;

/** Makes a pool, adds engines of one thread for each core, and has a clock that the test moves. */
function poolOf(cores: number, large: PooledEngine[], small = engines(...Array(cores).fill(1))) {
  const clock = { now: 0 };
  const pool = new EnginePool({ engines: large, cores, awaitsOthers: true, now: () => clock.now });
  for (const engine of small) pool.add(engine);
  /** Runs full batches, at so many milliseconds for an item, and tells the threads that worked on each. */
  const run = (batches: number, msPerItem: (threads: number) => number) =>
    Array.from({ length: batches }, () => {
      const lent = pool.lend(100, many)!;
      lent.measure(1, msPerItem(threads(lent)!));
      lent.giveBack();
      return threads(lent);
    });
  return { pool, run, clock };
}

describe("a pool of engines", () => {
  it("lends those of most threads while items are few, and no more threads than there are cores", () => {
    const { pool } = poolOf(8, engines(4, 4));
    const first = pool.lend(1, 1)!;
    expect([threads(first), first.evenly]).toEqual([4, 1]);
    expect(threads(pool.lend(1, 2)!)).toBe(4);
    expect(pool.isFree).toBe(false);
    expect(pool.lend(1, 3)).toBeUndefined();
    first.giveBack();
    expect(pool.isFree).toBe(true);
    expect(threads(pool.lend(1, 3)!)).toBe(4);
  });

  it.each([
    [2, 1],
    [4, 2],
    [7, 4],
  ])(
    "with %d cores calls %d items few, which one engine does sooner than engines of one thread side by side",
    (cores, few) => {
      const threadsFor = (atHand: number) => threads(poolOf(cores, engines(cores)).pool.lend(1, atHand)!);
      expect(threadsFor(few)).toBe(cores);
      expect(threadsFor(few + 1)).toBe(1);
    },
  );

  it("lends those of one thread when items are many, each its part of them", () => {
    const { pool } = poolOf(8, engines(4, 4));
    const lend = (waiting: number, atHand: number) => {
      const lent = pool.lend(waiting, atHand);
      return lent && [threads(lent), lent.evenly];
    };
    expect(lend(3, many)).toEqual([1, 1]);
    expect(lend(20, many)).toEqual([1, 3]); // seven are free
    expect(lend(1, 3)).toEqual([4, 1]); // six cores are free
    expect(lend(5, many)).toEqual([1, 3]);
    expect(lend(1, many)).toEqual([1, 1]);
    expect(lend(1, many)).toBeUndefined();
  });

  it("gives those for load an equal part of what one alone has, and half of that to the one that they take over from", () => {
    const sharesOf = (threads: number) => {
      const { pool } = poolOf(threads, engines(threads));
      const large = pool.lend(1, 1)!;
      large.giveBack();
      return [large.share, pool.lend(100, many)!.share];
    };
    expect([2, 4].map(sharesOf)).toEqual([
      [0.25, 0.5],
      [0.125, 0.25],
    ]);
    const alone = new EnginePool({ engines: engines(2), cores: 2, awaitsOthers: false, now: () => 0 });
    expect(alone.lend(100, many)!.share).toBe(1);
    const waits = new EnginePool({ engines: engines(2), cores: 2, awaitsOthers: true, now: () => 0 });
    const first = waits.lend(100, many)!;
    first.giveBack();
    waits.awaitNoOthers(); // they could not be started
    expect([first.share, waits.lend(100, many)!.share]).toEqual([0.25, 1]);
  });

  it("has only large ones until others are added, which begin when cores are free", () => {
    const pool = new EnginePool({ engines: engines(2), cores: 2, awaitsOthers: true, now: () => 0 });
    const lent = pool.lend(5, many)!;
    expect([threads(lent), lent.evenly]).toEqual([2, 5]);
    for (const small of engines(1, 1)) pool.add(small);
    expect(pool.lend(1, many)).toBeUndefined();
    lent.giveBack();
    const next = pool.lend(5, many)!;
    expect([pool.size, threads(next), next.evenly]).toEqual([2, 1, 3]);
  });

  it("lends a large engine's only thread last, and never both at once", () => {
    const large = engines(2, 2);
    const { pool } = poolOf(4, large, [...engines(1, 1), pooled(1, large[0]!.engine), pooled(1, large[1]!.engine)]);
    const small = [pool.lend(4, many)!, pool.lend(3, many)!];
    const whole = pool.lend(1, 1)!;
    expect([...small, whole].map(threads)).toEqual([1, 1, 2]);
    expect(pool.lend(1, many)).toBeUndefined();
    whole.giveBack();
    const last = [pool.lend(2, many)!, pool.lend(1, many)!];
    expect(last.map(threads)).toEqual([1, 1]);
    for (const lent of small) lent.giveBack();
    expect(pool.lend(1, 1)).toBeUndefined(); // two cores are free, but both engines are at work
    last[0]!.giveBack();
    expect(threads(pool.lend(1, 1)!)).toBe(2);
  });

  /** One of two threads, or two of one thread side by side, is better than the other. */
  const msPerItemWhere = (better: number) => (threads: number) =>
    (threads === better ? 10 : 12) * (threads === 2 ? 1 : 2);

  it("gives load to the kind that does more in all, whichever it is", () => {
    for (const better of [1, 2]) {
      const { run } = poolOf(2, engines(2));
      // The first batch of the one that was added, and is lent each time, says nothing.
      const trials = [...Array(8).fill(1), ...Array(8).fill(2)];
      expect(run(1 + 32, msPerItemWhere(better))).toEqual([1, ...trials, ...trials]);
      expect(run(20, msPerItemWhere(better))).toEqual(Array(20).fill(better));
    }
  });

  it("does not believe the first batch of each engine that was added, which opens its graph", () => {
    const { pool, run } = poolOf(2, engines(2));
    run(1, () => 1000);
    run(7, msPerItemWhere(1));
    const sideBySide = [pool.lend(100, many)!, pool.lend(100, many)!];
    for (const [i, lent] of sideBySide.entries()) {
      lent.measure(1, i === 0 ? msPerItemWhere(1)(1) : 1000);
      lent.giveBack();
    }
    run(24, msPerItemWhere(1));
    expect(run(20, msPerItemWhere(1))).toEqual(Array(20).fill(1));
  });

  it("does not believe a first trial that found the machine busy", () => {
    const { run } = poolOf(2, engines(2));
    let batches = 0;
    expect(run(1 + 32, (threads) => msPerItemWhere(1)(threads) * (++batches < 9 ? 1.5 : 1)).slice(-8)).toEqual(
      Array(8).fill(2),
    );
    expect(run(20, msPerItemWhere(1))).toEqual(Array(20).fill(1));
  });

  it("tries the kind that lost again, ever more seldom", () => {
    const { run } = poolOf(2, engines(2));
    run(1 + 32, msPerItemWhere(1));
    for (const batches of [64, 128, 256]) {
      expect(run(batches, msPerItemWhere(1))).not.toContain(2);
      expect(run(8, msPerItemWhere(1))).toEqual(Array(8).fill(2));
    }
  });

  it("tries the other kind again when nobody knows any more how fast it was", () => {
    const { run, clock } = poolOf(2, engines(2));
    let best = 1;
    const msPerItem = (threads: number) => msPerItemWhere(best)(threads);
    run(1 + 32, msPerItem);
    best = 2; // which is not noticed at once
    clock.now += 50_000;
    expect(run(4, msPerItem)).toEqual(Array(4).fill(1));
    clock.now += 50_000;
    expect(run(8, msPerItem)).toEqual(Array(8).fill(2));
    clock.now += 50_000;
    expect(run(20, msPerItem).slice(8)).toEqual(Array(12).fill(2));
  });

  it("tells how long waiting work takes on the kind that it goes to, or while that is unknown, on the other", () => {
    const { pool, run } = poolOf(2, engines(2));
    expect(pool.msFor(10)).toBe(0);
    run(1 + 8, () => 20);
    expect(pool.msFor(10)).toBe(100); // two side by side
    run(8, () => 12);
    expect(pool.msFor(10)).toBe(100);
    const other = poolOf(2, engines(2));
    other.run(1 + 32, (threads) => (threads === 2 ? 8 : 20));
    expect(other.pool.msFor(10)).toBe(80);
  });
});
