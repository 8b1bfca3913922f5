import { describe, expect, it } from "vitest";
import { createGate } from "../../src/queue/gate.ts";

const later = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("work that must be alone", () => {
  it("begins when all else has ended, and lets nothing begin beside it", async () => {
    const gate = createGate();
    const log: string[] = [];
    const open: Record<string, () => void> = {};
    const work = (name: string) => async () => {
      log.push(`begin ${name}`);
      await new Promise<void>((resolve) => (open[name] = resolve));
      log.push(`end ${name}`);
    };
    const all = [
      ...[gate("shared", work("a")), gate("shared", work("b")), gate("alone", work("c"))],
      ...[gate("shared", work("d")), gate("shared", work("e"))],
    ];
    await later();
    for (const name of ["b", "a", "c", "d", "e"]) {
      open[name]!();
      await later();
    }
    await Promise.all(all);
    expect(log.slice(0, 6)).toEqual(["begin a", "begin b", "end b", "end a", "begin c", "end c"]);
    expect(log.slice(6)).toEqual(["begin d", "begin e", "end d", "end e"]);
  });

  it("lets others pass after it has failed", async () => {
    const gate = createGate();
    await expect(gate("alone", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await gate("shared", async () => 1)).toBe(1);
  });
});
