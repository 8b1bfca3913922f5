import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/contract.ts";
import type { EncoderError } from "../../src/errors.ts";
import { startTower, type TowerOptions } from "../../src/tower/tower.ts";
import { virtualTime } from "../support/virtual-time.ts";

/**
 * Starts a tower in virtual time. An item is the milliseconds that it takes an engine; a batch takes their sum and 5 ms
 * more.
 */
async function slowTower(options: Partial<TowerOptions<number>> = {}) {
  const time = virtualTime();
  const speed = { factor: 1 };
  const engine: Engine = {
    async run([items]) {
      const costs = [...(items!.data as BigInt64Array)].map(Number);
      const ms = (5 + costs.reduce((sum, cost) => sum + cost, 0)) / speed.factor;
      await time.sleep(ms);
      return { embeddings: new Float32Array(costs.length), inferenceMs: ms };
    },
    close: async () => {},
  };
  const waiting = { items: 0 };
  const onQueueDepth = (depth: number) => {
    waiting.items = depth;
  };
  const tower = await startTower<number>({
    graph: "",
    timeoutMs: 60_000,
    layout: { cores: 1, engines: [1], enginesForLoad: 0 },
    cacheSize: 0,
    startEngine: async () => ({ ...engine }),
    toTensors: (items) => [{ name: "costs", data: BigInt64Array.from(items.map(BigInt)), dims: [items.length] }],
    holdsWholeRequests: true,
    maxBatch: 8,
    maxBatchCost: 1000,
    maxQueue: 100_000,
    now: time.now,
    observer: { onBatch() {}, onQueueDepth },
    ...options,
  });
  const deadlineMs = 10_000;
  const done: { items: number; ms: number }[] = [];
  const refused: { items: number; retryAfterSeconds: number; message: string }[] = [];
  let keys = 0;
  /** Sends a request of so many items that take `ms` each, which gives up at its deadline. */
  async function request(items: number, ms = 10, sameKey?: string): Promise<void> {
    const startedAt = time.now();
    const opened = tower.open({ items, deadline: startedAt + deadlineMs });
    try {
      const inputs = Array.from({ length: items }, () => ({ key: sameKey ?? `${keys++}`, cost: ms }));
      opened.reserve(inputs);
      const embedded = inputs.map((input, position) => opened.embed({ ...input, position }, () => ({ item: ms })));
      await Promise.all(embedded);
      done.push({ items, ms: time.now() - startedAt });
    } catch (error) {
      const { message, retryAfterSeconds } = error as EncoderError & { retryAfterSeconds: number }; // only ever OVERLOADED
      refused.push({ items, message, retryAfterSeconds });
    } finally {
      opened.close();
    }
  }
  /** Sends single items at this rate, in hundredths of what the tower can do, for so long. */
  async function singles(percent: number, forMs: number): Promise<void> {
    const capacityPerMs = 8 / (5 + 8 * 10);
    const everyMs = 100 / percent / capacityPerMs;
    const end = time.now() + forMs;
    while (time.now() < end) {
      void request(1);
      await time.sleep(everyMs);
    }
  }
  const late = () => done.filter(({ ms }) => ms > deadlineMs);
  return { tower, waiting, time, speed, request, singles, done, refused, late, deadlineMs };
}

describe("a tower that is offered three times what it can do", () => {
  it("refuses at once what it cannot do in time, and does the rest in time, at full speed", async () => {
    const { time, singles, done, refused, late } = await slowTower();
    void singles(300, 60_000);
    await time.runUntil(80_000);
    expect(late()).toEqual([]);
    expect(refused.length).toBeGreaterThan(done.length);
    expect(done.length).toBeGreaterThan(0.95 * 60_000 * (8 / 85));
    for (const { retryAfterSeconds } of refused) {
      expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
      expect(retryAfterSeconds).toBeLessThanOrEqual(4); // a third of the deadline waits, and a batch runs
    }
    expect(Math.max(...refused.map((it) => it.retryAfterSeconds))).toBeGreaterThan(2);
  });

  it("keeps its word to a large request that was accepted before, although single items go first", async () => {
    const { time, request, singles, done, refused, late } = await slowTower();
    void singles(50, 2000); // so that it knows its pace
    await time.runUntil(2000);
    void request(300);
    void singles(300, 30_000);
    await time.runUntil(50_000);
    expect(late()).toEqual([]);
    expect(done.filter(({ items }) => items === 300)).toHaveLength(1);
    expect(refused.every(({ items }) => items === 1)).toBe(true);
    const afterLarge = done.filter(({ items }) => items === 1);
    expect(afterLarge.length).toBeGreaterThan(100);
  });

  it("keeps its word when it becomes twice as slow meanwhile", async () => {
    const { time, speed, singles, late, done } = await slowTower();
    void singles(300, 60_000);
    await time.runUntil(30_000);
    speed.factor = 0.5;
    await time.runUntil(90_000);
    expect(late()).toEqual([]);
    expect(done.length).toBeGreaterThan(0);
  });

  it("works normally as soon as the load is gone", async () => {
    const { waiting, time, request, singles, done, refused } = await slowTower();
    void singles(300, 20_000);
    await time.runUntil(40_000);
    expect(waiting.items).toBe(0);
    const before = { done: done.length, refused: refused.length };
    void request(20);
    await time.runUntil(45_000);
    expect({ done: done.length, refused: refused.length }).toEqual({ ...before, done: before.done + 1 });
  });
});

describe("a tower", () => {
  it("closes what it has started when the rest fails to start", async () => {
    let started = 0;
    let closed = 0;
    const startEngine = async () => {
      if (++started === 2) throw new Error("no memory");
      return {
        run: () => Promise.reject(new Error("unused")),
        close: async () => {
          closed++;
        },
      };
    };
    await expect(
      slowTower({ layout: { cores: 3, engines: [1, 1, 1], enginesForLoad: 0 }, startEngine }),
    ).rejects.toThrow("no memory");
    expect([started, closed]).toEqual([3, 2]);
  });

  it("accepts whatever comes while it has measured nothing", async () => {
    const { time, request, done, refused } = await slowTower();
    for (let i = 0; i < 500; i++) void request(1, 1);
    await time.runUntil(5000);
    expect([done.length, refused.length]).toEqual([500, 0]);
  });

  it("lets a single item go before those of a large request that took seconds to prepare", async () => {
    const { tower, time } = await slowTower({ holdsWholeRequests: false, maxBatch: 4 });
    const done: string[] = [];
    const large = tower.open({ items: 8 });
    const ofLarge = Array.from({ length: 8 }, async (_, position) => {
      const prepare = async () => {
        await time.sleep(3000);
        return { item: 10 };
      };
      await large.embed({ key: `large ${position}`, position, cost: 1 }, prepare);
      done.push("large");
    });
    await time.runUntil(2999);
    const single = tower.open({ items: 1 });
    const ofSingle = single
      .embed({ key: "single", position: 0, cost: 1 }, async () => {
        await time.sleep(2); // meanwhile the first item of the large request begins
        return { item: 10 };
      })
      .then(() => done.push("single"));
    await time.runUntil(5000);
    await Promise.all([...ofLarge, ofSingle]);
    expect(done.indexOf("single")).toBe(1);
    large.close();
    single.close();
  });

  it.each([30, 100, 300])(
    "does a large request in time that it has accepted, however many single items come: %d per cent of what it can do",
    async (percent) => {
      const { time, request, singles, done, refused, late } = await slowTower();
      void request(32);
      await time.runUntil(1000);
      void request(800); // all but 1.5 s of its time
      void singles(percent, 10_000);
      await time.runUntil(30_000);
      expect(late()).toEqual([]);
      expect(done.filter(({ items }) => items === 800)).toHaveLength(1);
      expect(done.filter(({ items }) => items === 1).length).toBeGreaterThan(50);
      expect(refused.every(({ items }) => items === 1)).toBe(true);
    },
  );

  it("neither refuses single items nor lets them wait beside a large request, which is done in time all the same", async () => {
    const { time, request, singles, done, refused, late, deadlineMs } = await slowTower();
    void request(32);
    await time.runUntil(1000);
    void request(700); // three quarters of its time
    void singles(5, deadlineMs);
    await time.runUntil(30_000);
    expect(refused).toEqual([]);
    expect(late()).toEqual([]);
    expect(done.filter(({ items }) => items === 700)).toHaveLength(1);
    const single = done.filter(({ items }) => items === 1);
    expect(single.length).toBeGreaterThan(40);
    expect(Math.max(...single.map(({ ms }) => ms))).toBeLessThan(150); // one batch of the large request, and its own
  });

  it("refuses a request of many items whole, before any of them is begun", async () => {
    const { waiting, time, request, singles, refused } = await slowTower();
    void singles(300, 5000);
    await time.runUntil(5000);
    const before = waiting.items;
    void request(800);
    await time.runUntil(5000);
    expect(refused.at(-1)).toMatchObject({ items: 800, message: expect.stringContaining("too long for the 10.0 s") });
    expect(waiting.items).toBe(before);
  });

  it("says so when a request that is alone is too large for its deadline", async () => {
    const { time, request, refused, done } = await slowTower();
    void request(32);
    await time.runUntil(1000);
    void request(2000);
    await time.runUntil(2000);
    expect(refused).toMatchObject([{ items: 2000, message: expect.stringContaining("send fewer items at a time") }]);
    void request(800); // most of the time, but nothing else wants it
    await time.runUntil(12_000);
    expect(done.map(({ items }) => items)).toEqual([32, 800]);
  });

  it("accepts an input that is under way already, where it would refuse any other", async () => {
    const { time, speed, request, refused } = await slowTower();
    speed.factor = 1e-6;
    void request(1);
    await time.runUntil(1000);
    void request(1, 10, "the same");
    await time.runUntil(7000);
    void request(1, 10, "another");
    void request(1, 10, "the same");
    await time.runUntil(7001);
    expect(refused).toHaveLength(1);
  });

  it("refuses what would wait behind a batch that hangs", async () => {
    const { time, speed, request, refused } = await slowTower();
    speed.factor = 1e-6;
    void request(1);
    await time.runUntil(3000);
    void request(1);
    await time.runUntil(3001);
    expect(refused).toEqual([]);
    await time.runUntil(6000);
    void request(1);
    await time.runUntil(6001);
    expect(refused).toMatchObject([{ retryAfterSeconds: 6 }]);
  });

  it("forgets after a minute that it was slow", async () => {
    const { time, speed, request, done, refused } = await slowTower();
    speed.factor = 0.05;
    void request(32);
    await time.runUntil(7500);
    speed.factor = 1;
    void request(400);
    await time.runUntil(8000);
    expect(refused).toHaveLength(1);
    await time.runUntil(80_000);
    void request(400);
    await time.runUntil(90_000);
    expect(done.map(({ items }) => items)).toEqual([32, 400]);
  });

  it("has as many items at a time as it may, and a request that is alone whatever its size", async () => {
    const { time, request, done, refused } = await slowTower({ maxQueue: 10 });
    void request(20);
    void request(1);
    await time.runUntil(1000);
    void request(4);
    void request(6);
    void request(1);
    await time.runUntil(2000);
    expect(done.map(({ items }) => items)).toEqual([20, 4, 6]);
    expect(refused.map(({ message }) => message)).toEqual(Array(2).fill("The queue is full (10 items)."));
  });
});

describe("a tower with engines for load", () => {
  const layout = { cores: 2, engines: [2], enginesForLoad: 2 };
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it.each([
    [2, 1],
    [2, 2],
    [4, 2],
    [4, 3],
    [7, 2],
    [7, 4],
    [7, 12],
  ])("on %d cores serves %d callers at least as fast as its large engine alone", async (cores, callers) => {
    const speedOf = (threads: number) => 1 / (0.117 + 0.883 / threads);
    const served = async (enginesForLoad: number) => {
      const layout = { cores, engines: [cores], enginesForLoad };
      const time = { sleep: (_: number) => Promise.resolve() };
      const startEngine = async ({ threads }: { threads: number }): Promise<Engine> => ({
        async run([items]) {
          const ms = (100 * items!.dims[0]!) / speedOf(threads);
          await time.sleep(ms);
          return { embeddings: new Float32Array(items!.dims[0]!), inferenceMs: ms };
        },
        close: async () => {},
      });
      const tower = await slowTower({ layout, startEngine });
      time.sleep = tower.time.sleep;
      const caller = async () => {
        while (tower.time.now() < 20_000) await tower.request(1);
      };
      for (let i = 0; i < callers; i++) void caller();
      await tower.time.runUntil(20_000);
      return tower.done.length;
    };
    expect(await served(cores)).toBeGreaterThanOrEqual(0.97 * (await served(0)));
  });

  it("starts them once, when an item has to wait, and closes them with the others", async () => {
    const started: number[] = [];
    let closed = 0;
    const ended: (() => void)[] = [];
    const startEngine = async ({ threads }: { threads: number }): Promise<Engine> => {
      started.push(threads);
      return {
        async run([items]) {
          await new Promise<void>((resolve) => ended.push(resolve));
          return { embeddings: new Float32Array(items!.dims[0]!), inferenceMs: 1 };
        },
        close: async () => {
          closed++;
        },
      };
    };
    const { request, tower, done } = await slowTower({ layout, startEngine });
    const finishOne = async () => {
      await expect.poll(() => ended.length).toBeGreaterThan(0);
      ended.shift()!();
    };
    const alone = [request(1), finishOne()];
    await Promise.all(alone);
    expect(started).toEqual([2]);
    const first = request(1);
    await expect.poll(() => ended.length).toBe(1);
    const together = [first, request(1), request(1)];
    await expect.poll(() => started.length).toBe(3);
    await settled();
    await finishOne();
    await expect.poll(() => ended.length).toBe(2); // side by side
    expect(started).toEqual([2, 1, 1]);
    for (const end of ended) end();
    await Promise.all(together);
    expect(done).toHaveLength(4);
    await tower.close({ timeoutMs: 0 });
    expect([started, closed]).toEqual([[2, 1, 1], 3]);
  });

  it("has an engine of more threads stand in for one of them, where it can run on one thread", async () => {
    const started: number[] = [];
    const ran: string[] = [];
    const ended: (() => void)[] = [];
    const startEngine = async ({ threads }: { threads: number }): Promise<Engine> => {
      started.push(threads);
      const runAs =
        (how: string): Engine["run"] =>
        async ([items]) => {
          ran.push(how);
          await new Promise<void>((resolve) => ended.push(resolve));
          return { embeddings: new Float32Array(items!.dims[0]!), inferenceMs: 1 };
        };
      return { run: runAs(`${threads}`), runOnOneThread: runAs(`1 of ${threads}`), close: async () => {} };
    };
    const { request, tower } = await slowTower({ layout, startEngine });
    const first = request(1);
    await expect.poll(() => ended.length).toBe(1);
    const requests = [first, request(1), request(1)];
    await expect.poll(() => started).toEqual([2, 1]);
    await settled();
    ended.shift()!();
    await expect.poll(() => ran).toEqual(["2", "1", "1 of 2"]);
    for (const end of ended) end();
    await Promise.all(requests);
    await tower.close({ timeoutMs: 0 });
    expect(started).toEqual([2, 1]);
  });

  it("goes on without them where they cannot be started, and says so once", async () => {
    const reasons: unknown[] = [];
    const onFewerEngines = (reason: unknown) => reasons.push(reason);
    const { time, request, done, refused } = await slowTower({ layout, onFewerEngines, startEngine: onlyLarge });
    for (let i = 0; i < 40; i++) void request(1);
    await time.runUntil(5_000);
    expect([done.length, refused.length]).toEqual([40, 0]);
    expect(reasons).toEqual([new Error("no memory")]);
  });

  async function onlyLarge({ threads }: { threads: number }): Promise<Engine> {
    if (threads === 1) throw new Error("no memory");
    const run: Engine["run"] = async ([items]) => ({
      embeddings: new Float32Array(items!.dims[0]!),
      inferenceMs: 1,
    });
    return { run, close: async () => {} };
  }
});

describe("a tower of sixteen engines", () => {
  const sixteenEngines = () => slowTower({ layout: { cores: 16, engines: Array(16).fill(1), enginesForLoad: 0 } });
  const perMs = 16 * (8 / 85);

  it("keeps all of them busy with single items of as many callers as fit in two batches of each", async () => {
    const { time, request, done, refused } = await sixteenEngines();
    const caller = async () => {
      while (time.now() < 5_000) await request(1);
    };
    for (let i = 0; i < 16 * 8 * 2; i++) void caller();
    await time.runUntil(5_000);
    expect(refused).toEqual([]);
    expect(done.length).toBeGreaterThan(0.95 * perMs * 5_000);
  });

  it("keeps all of them busy with one large request", async () => {
    const { time, request, done } = await sixteenEngines();
    void request(10_000);
    await time.runUntil(30_000);
    expect(done).toHaveLength(1);
    expect(done[0]!.ms).toBeLessThan(10_000 / (0.95 * perMs));
  });
});
