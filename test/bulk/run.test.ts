import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Row } from "../../src/bulk/items/item.ts";
import { createReading } from "../../src/bulk/items/reading.ts";
import { openJournal } from "../../src/bulk/journal/journal.ts";
import { type Encode, newTally, runBulk } from "../../src/bulk/run.ts";
import { listSource } from "../../src/bulk/sources/list.ts";
import { encoderSettings } from "../../src/config/encoder.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

/** Prepares a run over so many texts, which keeps its rows in memory. */
async function prepareRun(count: number, encode: Encode) {
  const directory = await temporaryFolder();
  const listed = { count: 0 };
  async function* records() {
    for (; listed.count < count; listed.count++) yield { fields: {}, line: Buffer.from(`text ${listed.count}`) };
  }
  const source = listSource({
    ...{ name: "-", records, isText: true, column: "", idColumn: "" },
    reading: createReading({ ...settingsWith(encoderSettings), maxReadBytes: 1 << 20 }),
  });
  const journal = await openJournal({ directory, facts: {}, dimensions: 1 });
  const stop = new AbortController();
  const rows: Row[] = [];
  const failed: string[] = [];
  const run = {
    ...{ source, journal, encode, itemTimeoutMs: 60_000, stop: stop.signal, tally: newTally() },
    rows: { add: async (row: Row) => void rows.push(row), finish: async () => {} },
    errors: { add: async (name: string) => void failed.push(name), close: async () => {} },
  };
  return { run, rows, failed, listed, stop, journal };
}

describe("a bulk run", () => {
  it("reads a list of a million lines no further than its work has come", async () => {
    let begun = 0;
    let letOn = () => {};
    const held = new Promise<void>((resolve) => (letOn = resolve));
    const { run, rows, listed, stop, journal } = await prepareRun(1_000_000, async () => {
      begun++;
      await held;
      return Float32Array.of(1);
    });
    const running = runBulk(run);
    await expect.poll(() => begun).toBe(128);
    for (let turn = 0; turn < 100; turn++) await nextTurn();
    // A list's columns get their kinds from its first 200 rows; behind them one row is on its way.
    expect({ begun, isAhead: listed.count > 330 }).toEqual({ begun: 128, isAhead: false });
    stop.abort();
    letOn();
    await running;
    expect(rows).toHaveLength(128);
    await journal.close();
  });

  it("that is stopped gives up what takes too long, and leaves it to the next run", async () => {
    const { run, rows, failed, stop, journal } = await prepareRun(20, async (text, { signal }) => {
      if (text !== "text 5") return Float32Array.of(1);
      stop.abort();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    await runBulk({ ...run, finishMs: 1 });
    expect(rows.map(({ item }) => item.name)).toEqual(["text 0", "text 1", "text 2", "text 3", "text 4"]);
    expect(failed).toEqual([]);
    const again = await prepareRun(20, async () => Float32Array.of(1));
    await runBulk({ ...again.run, journal });
    expect(again.rows).toHaveLength(20);
    await journal.close();
    await again.journal.close();
  });
});
