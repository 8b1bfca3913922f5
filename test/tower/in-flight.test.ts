import { describe, expect, it } from "vitest";
import { InFlight } from "../../src/tower/in-flight.ts";

function slowWork() {
  const started: AbortSignal[] = [];
  let finish: (value: string) => void = () => {};
  const start = (signal: AbortSignal) => {
    started.push(signal);
    return new Promise<string>((resolve) => {
      finish = resolve;
    });
  };
  return { started, start, finish: (value: string) => finish(value) };
}

describe("identical inputs in flight", () => {
  it("are computed once", async () => {
    const work = slowWork();
    const inFlight = new InFlight<string>();
    const shares = [inFlight.join("a", work.start), inFlight.join("a", work.start)];
    work.finish("vector");
    expect(await Promise.all(shares.map(({ result }) => result))).toEqual(["vector", "vector"]);
    expect(work.started).toHaveLength(1);
  });

  it("are computed again once the first computation has ended", async () => {
    const work = slowWork();
    const inFlight = new InFlight<string>();
    const first = inFlight.join("a", work.start);
    work.finish("one");
    await first.result;
    const second = inFlight.join("a", work.start);
    work.finish("two");
    expect(await second.result).toBe("two");
  });

  it("go on while anybody waits, and are aborted when nobody does", () => {
    const work = slowWork();
    const inFlight = new InFlight<string>();
    const one = inFlight.join("a", work.start);
    const two = inFlight.join("a", work.start);
    one.release();
    one.release(); // a second release of the same share must not count for the other
    expect(work.started[0]!.aborted).toBe(false);
    two.release();
    expect(work.started[0]!.aborted).toBe(true);
  });

  it("do not give aborted work to a newcomer", () => {
    const work = slowWork();
    const inFlight = new InFlight<string>();
    inFlight.join("a", work.start).release();
    inFlight.join("a", work.start);
    expect(work.started).toHaveLength(2);
    expect(work.started[1]!.aborted).toBe(false);
  });

  it("share a failure, and forget it", async () => {
    const inFlight = new InFlight<string>();
    const fail = () => Promise.reject(new Error("broken"));
    const shares = [inFlight.join("a", fail), inFlight.join("a", fail)];
    for (const { result } of shares) await expect(result).rejects.toThrow("broken");
    expect(await inFlight.join("a", async () => "fine").result).toBe("fine");
  });
});
