import { describe, expect, it } from "vitest";
import { oneAtATime } from "../../src/scheduling/one-at-a-time.ts";

describe("work that goes one at a time", () => {
  it("begins when the one before it is over, in order, also where that failed", async () => {
    const inTurn = oneAtATime();
    const events: string[] = [];
    const work = (name: string) => async () => {
      events.push(`${name} begins`);
      await new Promise(setImmediate);
      events.push(`${name} ends`);
      if (name === "b") throw new Error("b failed");
      return name;
    };
    const results = await Promise.allSettled(["a", "b", "c"].map((name) => inTurn(work(name))));
    expect(events).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });
});
