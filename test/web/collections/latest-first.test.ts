import { describe, expect, it } from "vitest";
import { createLatestFirst } from "../../../web/src/collections/latest-first.ts";

describe("tasks of which the latest come first", () => {
  it("run a few at a time, and the last asked are done first", async () => {
    const run = createLatestFirst(2);
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const task = (number: number) => async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      order.push(number);
      running--;
      return number;
    };
    const results = await Promise.all([1, 2, 3, 4, 5].map((number) => run(task(number), () => true)));
    expect(results).toEqual([1, 2, 3, 4, 5]);
    expect(order).toEqual([5, 4, 3, 2, 1]);
    expect(most).toBe(2);
  });

  it("are left out when nobody wants them any more, and their failures are their own", async () => {
    const run = createLatestFirst(1);
    const failed = run(
      () => Promise.reject(new Error("no")),
      () => true,
    );
    const unwanted = run(
      async () => "made",
      () => false,
    );
    await expect(failed).rejects.toThrow("no");
    expect(await unwanted).toBeUndefined();
    const wanted = run(
      async () => "made",
      () => true,
    );
    expect(await wanted).toBe("made");
  });
});
