import { setMaxListeners } from "node:events";
import { describe, expect, it } from "vitest";
import type { BatchResult, Engine, Tensor } from "../../src/engine/contract.ts";
import { EncoderError } from "../../src/errors.ts";
import { Batcher, type BatcherOptions, DeclinedItem } from "../../src/tower/batcher.ts";

/** Makes an engine whose batches end when the test says so. An item is one byte; its vector is [item, item]. */
function manualEngine() {
  const batches: { items: number[]; finish(declined?: number[]): void; fail(error?: Error): void }[] = [];
  const engine: Engine = {
    run(inputs: Tensor[]) {
      const items = [...(inputs[0]!.data as Uint8Array)];
      return new Promise<BatchResult>((resolve, reject) => {
        batches.push({
          items,
          finish: (declined = []) =>
            resolve({
              declined,
              embeddings: Float32Array.from(items.flatMap((item, row) => (declined.includes(row) ? [] : [item, item]))),
              inferenceMs: 1,
              inputs: inputs.map(({ data }) => data),
            }),
          fail: (error = new EncoderError("ENGINE_FAILED", "failed")) => reject(error),
        });
      });
    },
    close: async () => {},
  };
  return { engine, batches };
}

function batcherOver(engines: Engine[], options: Partial<BatcherOptions<number>> = {}) {
  return new Batcher<number>({
    engines: engines.map((engine) => ({ engine, threads: 1, run: engine.run })),
    cores: engines.length,
    toTensors: (items) => [{ name: "items", data: Uint8Array.from(items), dims: [items.length] }],
    maxBatch: 4,
    maxBatchCost: 1000,
    ...options,
  });
}

const never = new AbortController().signal;
setMaxListeners(0, never); // every item listens to it
const submit = (batcher: Batcher<number>, item: number, dueAt = 0, signal = never, cost = 1) =>
  batcher.submit(item, { signal, dueAt, cost }).then(({ embedding }) => [...embedding]);
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("the batcher", () => {
  it("gives nothing back before all of a batch was told, since a failure has it run once more", async () => {
    const { engine, batches } = manualEngine();
    const recycled: (readonly number[])[] = [];
    let fails = true;
    const onBatch = () => {
      if (fails) throw new Error("an observer of the caller's");
    };
    const observer = { onBatch, onQueueDepth() {} };
    const batcher = batcherOver([engine], { observer, recycle: (items) => recycled.push(items) });
    const result = submit(batcher, 7);
    await settle();
    batches[0]!.finish();
    await settle();
    expect(recycled).toEqual([]);
    fails = false;
    batches[1]!.finish();
    expect(await result).toEqual([7, 7]);
    expect(recycled).toEqual([[7]]);
  });

  it("tells of an item that the engine declined, and not of those beside it", async () => {
    const { engine, batches } = manualEngine();
    const recycled: (readonly number[])[] = [];
    const batcher = batcherOver([engine], { recycle: (items) => recycled.push(items) });
    const outcomes = Promise.allSettled([7, 8, 9].map((item) => submit(batcher, item)));
    await settle();
    batches[0]!.finish([1]);
    const [first, declined, last] = await outcomes;
    expect([first, last]).toEqual([
      { status: "fulfilled", value: [7, 7] },
      { status: "fulfilled", value: [9, 9] },
    ]);
    expect(declined).toMatchObject({ status: "rejected", reason: expect.any(DeclinedItem) });
    expect({ batches: batches.length, recycled }).toEqual({ batches: 1, recycled: [[7, 8, 9]] });
  });

  it("neither counts nor times what the engine declined", async () => {
    const { engine, batches } = manualEngine();
    let now = 0;
    const sizes: number[] = [];
    const observer = { onBatch: ({ size }: { size: number }) => sizes.push(size), onQueueDepth() {} };
    const batcher = batcherOver([engine], { observer, now: () => now });
    const outcomes = Promise.allSettled(Array.from({ length: 13 }, (_, item) => submit(batcher, item)));
    for (const declined of [[0], [1, 2, 3], [0, 1, 2, 3], []]) {
      await settle();
      now += 10;
      batches.at(-1)!.finish(declined);
    }
    const [first] = await outcomes;
    expect(first).toMatchObject({ status: "rejected", reason: { spent: { queueMs: 1, prepareMs: 0 } } });
    expect(sizes).toEqual([3, 1, 1]);
    expect(batcher.lastSuccessAt).toBe(40);
    expect(batcher.msFor(1)).toBeGreaterThan(10 / 3);
  });

  it("gives back what a batch was made of once it is done, and not while it may be tried again", async () => {
    const { engine, batches } = manualEngine();
    const recycled: [readonly number[], number[][]][] = [];
    const recycle: BatcherOptions<number>["recycle"] = (items, inputs) =>
      recycled.push([items, inputs.map((data) => [...(data as Uint8Array)])]);
    const batcher = batcherOver([engine], { recycle });
    const abort = new AbortController();
    const [first, gone] = [submit(batcher, 1), submit(batcher, 2, 0, abort.signal)];
    gone.catch(() => {});
    await settle();
    abort.abort();
    batches[0]!.fail();
    await settle();
    expect(recycled).toEqual([]);
    batches[1]!.finish();
    expect(await first).toEqual([1, 1]);
    expect(recycled).toEqual([[[1], [[1]]]]); // the second item was dropped before the second try
  });

  it("starts at once when the engine is idle and batches what queues meanwhile", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine]);
    const first = submit(batcher, 1);
    await settle();
    expect(batches.map(({ items }) => items)).toEqual([[1]]);
    const rest = [2, 3, 4, 5, 6].map((item) => submit(batcher, item));
    await settle();
    expect(batches).toHaveLength(1);
    batches[0]!.finish();
    expect(await first).toEqual([1, 1]);
    await settle();
    expect(batches[1]!.items).toEqual([2, 3, 4, 5]);
    batches[1]!.finish();
    await settle();
    batches[2]!.finish();
    expect(await Promise.all(rest)).toEqual([2, 3, 4, 5, 6].map((item) => [item, item]));
  });

  it("puts items of one synchronous request into one batch", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine]);
    for (const item of [1, 2, 3]) void submit(batcher, item, item);
    await settle();
    expect(batches[0]!.items).toEqual([1, 2, 3]);
  });

  it("lets a single item overtake a large request that came before it", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine]);
    for (let position = 0; position < 40; position++) void submit(batcher, position, position);
    await settle();
    void submit(batcher, 99, 1);
    batches[0]!.finish();
    await settle();
    expect(batches[1]!.items).toContain(99);
  });

  it("lets a large request go on while single items keep arriving", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine]);
    const bulk = Array.from({ length: 12 }, (_, position) => submit(batcher, 1, position));
    let done = 0;
    for (const item of bulk) void item.then(() => done++);
    await settle();
    for (let round = 0; round < 14; round++) {
      for (let i = 0; i < 4; i++) void submit(batcher, 50, round);
      batches.at(-1)!.finish();
      await settle();
    }
    expect(done).toBe(12);
  });

  it("keeps batches of a large request short, and to themselves, while single items come", async () => {
    const { engine, batches } = manualEngine();
    let now = 0;
    const batcher = batcherOver([engine], { maxBatch: 16, now: () => now });
    const bulk = (count: number) => {
      for (let i = 0; i < count; i++)
        void batcher.submit(1, { signal: new AbortController().signal, dueAt: 9, cost: 1, isBulk: true });
    };
    const finish = async () => {
      now += 100;
      batches.at(-1)!.finish();
      await settle();
      return batches.at(-1)!.items;
    };
    bulk(100);
    await settle();
    expect(await finish()).toHaveLength(16); // no single item has come yet, and the pace is known now
    void submit(batcher, 99, 1);
    expect(await finish()).toEqual([99]);
    expect(await finish()).toEqual([1, 1, 1, 1]); // which takes 30 ms at most, as far as anybody knows
    now += 10_000;
    expect(await finish()).toHaveLength(16);
  });

  it("keeps batches of a large request short while single items come and nobody knows the pace yet", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine], { maxBatch: 16 });
    void submit(batcher, 99);
    await settle();
    for (let i = 0; i < 16; i++) void batcher.submit(1, { signal: never, dueAt: 9, cost: 1, isBulk: true });
    batches[0]!.finish();
    await settle();
    expect(batches[1]!.items).toEqual([1]);
  });

  it("shares the engine between a large request that is late and those that came later, half and half", async () => {
    const { engine, batches } = manualEngine();
    let now = 0;
    const batcher = batcherOver([engine], { maxBatch: 8, now: () => now });
    for (let i = 0; i < 60; i++) void batcher.submit(1, { signal: never, dueAt: 0, cost: 1, isBulk: true });
    await settle();
    for (let i = 0; i < 60; i++) void submit(batcher, 2, 5);
    const turns: string[] = [];
    for (let turn = 0; turn < 8; turn++) {
      now += 10 * batches.at(-1)!.items.length;
      batches.at(-1)!.finish();
      await settle();
      const { items } = batches.at(-1)!;
      turns.push(`${items.length} of ${items[0]}`);
    }
    // The large request was ahead by its first batch. Its batches are short now, so it has several for each of the others.
    expect(turns.join(", ")).toBe("8 of 2, 8 of 2, 3 of 1, 3 of 1, 3 of 1, 8 of 2, 3 of 1, 3 of 1");
  });

  it("batches items of like cost, and within the cost limit once padded", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine], { maxBatchCost: 60 });
    const submitAtCost = (item: number) => void submit(batcher, item, 0, never, item);
    submitAtCost(5);
    await settle();
    for (const item of [20, 100, 21, 90, 22, 5]) submitAtCost(item);
    const sizes: number[][] = [];
    for (let i = 0; i < 6 && i < batches.length; i++) {
      batches[i]!.finish();
      await settle();
      sizes.push(batches[i]!.items);
    }
    expect(sizes[0]).toEqual([5]);
    expect(sizes[1]).toEqual([20, 21]);
    for (const items of sizes) expect(items.length === 1 || Math.max(...items) * items.length <= 60).toBe(true);
    expect(sizes.flat().sort((a, b) => a - b)).toEqual([5, 5, 20, 21, 22, 90, 100]);
  });

  it("retries a failed batch whole", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine]);
    const items = [1, 2].map((item) => submit(batcher, item));
    await settle();
    batches[0]!.fail();
    await settle();
    expect(batches[1]!.items).toEqual([1, 2]);
    batches[1]!.finish();
    expect(await Promise.all(items)).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("isolates an item that breaks the engine, and gives its batch mates their vectors", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine]);
    const items = [1, 66, 3].map((item) => submit(batcher, item));
    const outcomes = Promise.allSettled(items);
    for (let i = 0; i < 5; i++) {
      await settle();
      const batch = batches[i]!;
      if (batch.items.includes(66)) batch.fail();
      else batch.finish();
    }
    const [a, poison, b] = await outcomes;
    expect(a).toMatchObject({ status: "fulfilled", value: [1, 1] });
    expect(b).toMatchObject({ status: "fulfilled", value: [3, 3] });
    expect(poison).toMatchObject({ status: "rejected", reason: { code: "ENGINE_FAILED" } });
  });

  it("goes on after a failure", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine]);
    const poison = submit(batcher, 66).catch((error) => error.code);
    for (let i = 0; i < 2; i++) {
      await settle();
      batches[i]!.fail();
    }
    expect(await poison).toBe("ENGINE_FAILED");
    const next = submit(batcher, 7);
    await settle();
    batches[2]!.finish();
    expect(await next).toEqual([7, 7]);
  });

  it("drops an item whose caller went away, and does not compute it", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine]);
    void submit(batcher, 1);
    await settle();
    const caller = new AbortController();
    const gone = submit(batcher, 2, 0, caller.signal);
    const stays = submit(batcher, 3);
    caller.abort(new Error("client gone"));
    await expect(gone).rejects.toThrow("client gone");
    batches[0]!.finish();
    await settle();
    expect(batches[1]!.items).toEqual([3]);
    batches[1]!.finish();
    expect(await stays).toEqual([3, 3]);
  });

  it("tells the queue's depth whenever it changes", async () => {
    const { engine, batches } = manualEngine();
    const depths: number[] = [];
    const observer = { onBatch() {}, onQueueDepth: (depth: number) => depths.push(depth) };
    const batcher = batcherOver([engine], { observer });
    const running = submit(batcher, 1);
    await settle();
    const caller = new AbortController();
    const gone = submit(batcher, 2, 0, caller.signal);
    caller.abort(new Error("client gone"));
    await expect(gone).rejects.toThrow("client gone");
    batches[0]!.finish();
    await running;
    expect(depths).toEqual([1, 0, 1, 0]);
  });

  it("answers a caller that goes away while its batch runs, without harming the batch", async () => {
    const { engine, batches } = manualEngine();
    const batcher = batcherOver([engine]);
    const caller = new AbortController();
    const gone = submit(batcher, 1, 0, caller.signal);
    const stays = submit(batcher, 2);
    await settle();
    caller.abort(new Error("client gone"));
    await expect(gone).rejects.toThrow("client gone");
    batches[0]!.finish();
    expect(await stays).toEqual([2, 2]);
  });

  it("keeps several engines busy at the same time", async () => {
    const one = manualEngine();
    const two = manualEngine();
    const batcher = batcherOver([one.engine, two.engine], { maxBatch: 1 });
    void submit(batcher, 1);
    void submit(batcher, 2);
    await settle();
    expect([...one.batches, ...two.batches].map(({ items }) => items).sort()).toEqual([[1], [2]]);
  });

  it("divides what is there among all engines that are free", async () => {
    const [one, two] = [manualEngine(), manualEngine()];
    const batcher = batcherOver([one.engine, two.engine]);
    for (const item of [1, 2, 3]) void submit(batcher, item, item);
    await settle();
    expect([...one.batches, ...two.batches].map(({ items }) => items.length).sort()).toEqual([1, 2]);
  });

  it("gives an item that finds all cores free an engine of all threads, and those that waited a core each, and their share of a batch", async () => {
    const [large, small, other] = [manualEngine(), manualEngine(), manualEngine()];
    const engines = [large, small, other].map(({ engine }, at) => ({
      engine,
      threads: at === 0 ? 2 : 1,
      run: engine.run,
    }));
    const batcher = batcherOver([], { engines, cores: 2, maxBatch: 4 });
    void submit(batcher, 1);
    await settle();
    expect(large.batches.map(({ items }) => items)).toEqual([[1]]);
    for (const item of [2, 3, 4, 5, 6]) void submit(batcher, item, item);
    await settle();
    expect([...small.batches, ...other.batches]).toEqual([]); // all cores are taken
    large.batches[0]!.finish();
    await settle();
    expect([...small.batches, ...other.batches].map(({ items }) => items).sort()).toEqual([
      [2, 3],
      [4, 5],
    ]);
    expect(large.batches).toHaveLength(1);
  });
});
