import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { inOrder } from "../../src/scheduling/in-order.ts";
import { collect } from "../support/collect.ts";

const never = new AbortController().signal;

async function* numbers(count: number) {
  for (let i = 0; i < count; i++) yield i;
}

describe("work in order", () => {
  it("gives results in the order of the items, whichever is finished first", async () => {
    const work = async (i: number) => {
      await sleep(i % 5 === 0 ? 10 : 0);
      return 2 * i;
    };
    const results = await collect(inOrder(numbers(50), work, { lanes: 8, window: 20, stop: never }));
    expect(results).toEqual(Array.from({ length: 50 }, (_, i) => 2 * i));
  });

  it("has at most so many items at work and so many waiting to be given out", async () => {
    let running = 0;
    let mostRunning = 0;
    let begun = 0;
    let given = 0;
    let mostAhead = 0;
    const work = async (i: number) => {
      mostRunning = Math.max(mostRunning, ++running);
      mostAhead = Math.max(mostAhead, ++begun - given);
      await sleep(i === 0 ? 50 : 0);
      running--;
    };
    for await (const _ of inOrder(numbers(200), work, { lanes: 4, window: 10, stop: never })) given++;
    expect(given).toBe(200);
    expect(mostRunning).toBe(4);
    expect(mostAhead).toBeLessThanOrEqual(11);
  });

  it("goes on for any number of items", async () => {
    let sum = 0;
    const work = async (i: number) => i;
    for await (const i of inOrder(numbers(100_000), work, { lanes: 2, window: 3, stop: never })) sum += i;
    expect(sum).toBe((100_000 * 99_999) / 2);
  });

  it("gives what is done while the stream has nothing, and waits for it no longer once it is stopped or left", async () => {
    async function* stalled() {
      yield* [1, 2];
      await new Promise(() => {});
    }
    const work = async (i: number) => i;
    const stop = new AbortController();
    const results = inOrder(stalled(), work, { lanes: 4, window: 8, stop: stop.signal });
    expect([(await results.next()).value, (await results.next()).value]).toEqual([1, 2]);
    const third = results.next();
    stop.abort();
    expect(await third).toEqual({ done: true, value: undefined });
    for await (const i of inOrder(stalled(), work, { lanes: 4, window: 8, stop: never })) if (i === 2) break;
  });

  it("ends a stream that it has not read to the end, and tells of what it throws", async () => {
    let isEnded = false;
    async function* watched() {
      try {
        yield* [1, 2, 3];
      } finally {
        await sleep(5);
        isEnded = true;
      }
    }
    for await (const _ of inOrder(watched(), async (i) => i, { lanes: 1, window: 1, stop: never })) break;
    expect(isEnded).toBe(true);
    async function* failing() {
      yield 1;
      throw new Error("the stream broke");
    }
    const broken = collect(inOrder(failing(), async (i) => i, { lanes: 1, window: 1, stop: never }));
    await expect(broken).rejects.toThrow("the stream broke");
  });

  it("finishes what was begun, and begins nothing more, once it is stopped", async () => {
    const stop = new AbortController();
    const results: number[] = [];
    const work = async (i: number) => {
      await sleep(1);
      return i;
    };
    for await (const i of inOrder(numbers(1000), work, { lanes: 4, window: 8, stop: stop.signal })) {
      results.push(i);
      if (i === 10) stop.abort();
    }
    expect(results.length).toBeLessThan(30);
    expect(results).toEqual(Array.from({ length: results.length }, (_, i) => i));
  });

  it("fails with the item that failed, or with the list", async () => {
    const work = async (i: number) => {
      if (i === 3) throw new Error("third");
      return i;
    };
    const run = (items: AsyncIterable<number>) => collect(inOrder(items, work, { lanes: 2, window: 4, stop: never }));
    await expect(run(numbers(9))).rejects.toThrow("third");
    async function* broken() {
      yield 1;
      throw new Error("the list");
    }
    await expect(run(broken())).rejects.toThrow("the list");
  });
});
