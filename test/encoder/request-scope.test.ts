import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { mapAhead, requestScope } from "../../src/encoder/request-scope.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const never = new Promise<never>(() => {});

/** A share whose releases are counted. */
function shareOf<T>(result: Promise<T>) {
  const share = { result, released: 0, release: () => void share.released++ };
  return share;
}

describe("a request's scope", () => {
  it("gives a share's result, or its failure, and releases it", async () => {
    const scope = requestScope(undefined);
    const good = shareOf(Promise.resolve("vector"));
    const bad = shareOf(Promise.reject(new Error("broken")));
    expect(await scope.until(good)).toBe("vector");
    await expect(scope.until(bad)).rejects.toThrow("broken");
    await nextTurn();
    expect([good.released, bad.released]).toEqual([1, 1]);
  });

  it.each(["its caller aborts", "it ends"])("gives up every share when %s, and those that come later", async (how) => {
    const caller = new AbortController();
    const scope = requestScope(caller.signal);
    const shares = [shareOf(never), shareOf(never), shareOf(never)];
    const outcomes = shares.slice(0, 2).map((share) => expect(scope.until(share)).rejects.toThrow());
    if (how === "it ends") scope.end();
    else caller.abort(new Error("client gone"));
    outcomes.push(expect(scope.until(shares[2]!)).rejects.toThrow());
    await Promise.all(outcomes);
    expect(shares.every(({ released }) => released > 0)).toBe(true);
  });

  it("leaves nothing behind", async () => {
    const signals: WeakRef<AbortSignal>[] = [];
    for (let i = 0; i < 100; i++) {
      const { signal } = new AbortController();
      const scope = requestScope(signal);
      await scope.until(shareOf(Promise.resolve(i)));
      scope.end();
      signals.push(new WeakRef(signal), new WeakRef(scope.signal));
    }
    await nextTurn();
    collectGarbage();
    expect(signals.filter((it) => it.deref()).length).toBeLessThan(10);
  });
});

describe("mapping ahead", () => {
  it("keeps the order, has so many at work at most, and tells how long an item waited for its turn", async () => {
    let atWork = 0;
    let most = 0;
    const waits: number[] = [];
    const doubled = await mapAhead([1, 2, 3, 4, 5, 6, 7], 3, async (item, { index, waitedMs }) => {
      most = Math.max(most, ++atWork);
      waits[index] = waitedMs;
      await new Promise((resolve) => setTimeout(resolve, 20 - item));
      atWork--;
      return item * 2;
    });
    expect(doubled).toEqual([2, 4, 6, 8, 10, 12, 14]);
    expect(most).toBe(3);
    expect(Math.max(...waits.slice(0, 3))).toBeLessThan(waits[3]!);
    expect(waits[6]).toBeGreaterThan(20);
  });

  it("begins nothing more after a failure", async () => {
    const begun: number[] = [];
    const work = async (item: number) => {
      begun.push(item);
      await nextTurn();
      if (item === 1) throw new Error("broken");
    };
    await expect(mapAhead([0, 1, 2, 3, 4, 5], 2, work)).rejects.toThrow("broken");
    await nextTurn();
    await nextTurn();
    expect(begun.length).toBeLessThan(5);
  });
});
