import { describe, expect, it } from "vitest";
import { createLanes } from "../../src/scheduling/lanes.ts";

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Work that is over when the test says so. */
function manualWork() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
  };
  const end = async (name: string) => {
    ends.get(name)!();
    await settle();
  };
  return { begun, work, end };
}

describe("work in lanes", () => {
  it("begins at once while a lane is free, and waits otherwise", async () => {
    const { begun, work, end } = manualWork();
    const lanes = createLanes({ lanes: 2 });
    const all = ["a", "b", "c"].map((name) => lanes.run(work(name)));
    expect([begun, lanes.waiting, lanes.isBusy]).toEqual([["a", "b"], 1, true]);
    await end("b");
    expect([begun, lanes.waiting]).toEqual([["a", "b", "c"], 0]);
    await end("a");
    expect(lanes.isBusy).toBe(false);
    await end("c");
    expect(await Promise.all(all)).toEqual(["a", "b", "c"]);
  });

  it("begins in the order in which it is due", async () => {
    const { begun, work, end } = manualWork();
    const lanes = createLanes({ lanes: 1 });
    for (const [name, dueAt] of [
      ["first", 0],
      ["late", 5],
      ["early", 1],
      ["middle", 3],
      ["early too", 1],
    ] as const) {
      void lanes.run(work(name), { dueAt });
    }
    for (const name of ["first", "early", "early too", "middle"]) await end(name);
    expect(begun).toEqual(["first", "early", "early too", "middle", "late"]);
  });

  it("is dropped when it is aborted while it waits, and ends unobserved when it has begun", async () => {
    const { begun, work, end } = manualWork();
    const lanes = createLanes({ lanes: 1 });
    const aborts = [new AbortController(), new AbortController()];
    const [running, waiting] = aborts.map(({ signal }, i) => lanes.run(work(`aborted ${i}`), { signal }));
    const last = lanes.run(work("last"));
    for (const abort of aborts) abort.abort(new Error("gone"));
    await expect(running).rejects.toThrow("gone");
    await expect(waiting).rejects.toThrow("gone");
    expect([begun, lanes.waiting]).toEqual([["aborted 0"], 1]);
    await end("aborted 0");
    await end("last");
    expect(await last).toBe("last");
    await expect(lanes.run(work("never"), { signal: aborts[0]!.signal })).rejects.toThrow("gone");
    expect(begun).toEqual(["aborted 0", "last"]);
  });

  it("finds a spare lane if it stands alone and others are one of many, and only then", async () => {
    const { begun, work, end } = manualWork();
    const lanes = createLanes({ lanes: 1, spareLanes: 1 });
    const many = ["many 0", "many 1"].map((name) => lanes.run(work(name), { isOneOfMany: true }));
    const alone = ["alone 0", "alone 1"].map((name) => lanes.run(work(name), { dueAt: 5 }));
    expect(begun).toEqual(["many 0", "alone 0"]);
    await end("many 0");
    expect(begun).toEqual(["many 0", "alone 0"]); // the only lane is taken by what stands alone
    await end("alone 0");
    expect(begun).toEqual(["many 0", "alone 0", "many 1", "alone 1"]);
    await end("many 1");
    await end("alone 1");
    await Promise.all([...many, ...alone]);
  });

  it("frees its lane when it fails", async () => {
    const lanes = createLanes({ lanes: 1 });
    await expect(lanes.run(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(await lanes.run(async () => "fine")).toBe("fine");
  });

  it("waits while the lanes are closed, and goes on when they are told to resume", async () => {
    let isOpen = false;
    const lanes = createLanes({ lanes: 1, isOpen: () => isOpen });
    const waiting = lanes.run(async () => "done");
    await settle();
    expect(lanes.waiting).toBe(1);
    isOpen = true;
    lanes.resume();
    expect(await waiting).toBe("done");
  });

  it("is rejected when what waits is cleared", async () => {
    const { work, end } = manualWork();
    const lanes = createLanes({ lanes: 1 });
    const running = lanes.run(work("running"));
    const waiting = lanes.run(work("waiting"));
    lanes.clear(new Error("closing"));
    await expect(waiting).rejects.toThrow("closing");
    await end("running");
    expect(await running).toBe("running");
  });
});
