import { describe, expect, it } from "vitest";
import { createFetchQueue } from "../../src/image/fetch-queue.ts";

describe("the queue of fetches", () => {
  it("refuses what would wait for too much of its time, when that can be told", async () => {
    const queue = createFetchQueue({ fetchConcurrency: 1, maxFetchQueue: 100, maxFetchedBytes: 1000 });
    const soon = () => ({ deadline: performance.now() + 3000 });
    await queue.begin(soon());
    const first = queue.begin(soon()); // nothing was measured yet
    queue.end({ bytes: 0, ms: 1600 });
    await first;
    const second = queue.begin(soon());
    await expect(queue.begin(soon())).rejects.toMatchObject({ code: "OVERLOADED", retryAfterSeconds: 2 });
    const patient = queue.begin({ deadline: performance.now() + 60_000 });
    queue.end({ bytes: 0, ms: 1600 });
    await second;
    queue.end({ bytes: 0, ms: 1600 });
    await patient;
    queue.end({ bytes: 0, ms: 1600 });
    await queue.begin({ deadline: performance.now() + 1 }); // nobody is before it
  });
});
