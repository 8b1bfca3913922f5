import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { requestScope } from "../../src/tower/request-scope.ts";

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
