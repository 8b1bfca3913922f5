import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { readItem } from "../../../src/bulk/items/read-item.ts";
import { textItem } from "../../../src/bulk/items/text-item.ts";

describe("reading an item", () => {
  it("leaves nobody listening to its signal, which would stay in memory with all that hangs on it", async () => {
    const signals: AbortSignal[] = [];
    const plain = textItem({ text: "a", key: "a", columns: {} });
    const item = {
      ...plain,
      load(signal: AbortSignal) {
        signals.push(signal);
        return plain.load(signal);
      },
    };
    const options = { itemTimeoutMs: 60_000, signal: new AbortController().signal };
    expect(await readItem(item, options, async ({ input }) => input)).toBe("a");
    expect(signals.map((signal) => getEventListeners(signal, "abort"))).toEqual([[]]);
  });
});
