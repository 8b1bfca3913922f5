import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Row } from "../../src/bulk/items/item.ts";
import { createReading } from "../../src/bulk/items/reading.ts";
import { openJournal } from "../../src/bulk/journal/journal.ts";
import { newTally, runBulk } from "../../src/bulk/run.ts";
import { listSource } from "../../src/bulk/sources/list.ts";
import { encoderConfig } from "../../src/config/encoder.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

describe("a bulk run", () => {
  it("reads a list of a million lines no further than its work has come", async () => {
    const directory = await temporaryFolder();
    let listed = 0;
    async function* records() {
      for (; listed < 1_000_000; listed++) yield { fields: {}, line: Buffer.from(`text ${listed}`) };
    }
    const source = listSource({
      ...{ name: "-", records, isText: true, column: "", idColumn: "" },
      reading: createReading({ ...encoderConfig(), maxReadBytes: 1 << 20 }),
    });
    const journal = await openJournal({ directory, facts: {}, dimensions: 1 });
    const stop = new AbortController();
    let begun = 0;
    let letOn = () => {};
    const held = new Promise<void>((resolve) => (letOn = resolve));
    const rows: Row[] = [];
    const run = runBulk({
      ...{ source, journal, itemTimeoutMs: 60_000, stop: stop.signal, tally: newTally() },
      async encode() {
        begun++;
        await held;
        return Float32Array.of(1);
      },
      rows: { add: async (row) => void rows.push(row), finish: async () => {} },
      errors: { add: async () => {}, close: async () => {} },
    });
    await expect.poll(() => begun).toBe(128);
    for (let turn = 0; turn < 100; turn++) await nextTurn();
    // A list's columns get their kinds from its first 200 rows; behind them one row is on its way.
    expect({ begun, isAhead: listed > 330 }).toEqual({ begun: 128, isAhead: false });
    stop.abort();
    letOn();
    await run;
    expect(rows).toHaveLength(128);
    await journal.close();
  });
});
