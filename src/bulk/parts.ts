import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Row, RowSink } from "./items/item.ts";
import type { Journal } from "./journal/journal.ts";
import type { Sink } from "./sinks/sink.ts";

/** Limits the vectors read between two turns of the event loop to half a millisecond's worth. */
const vectorsPerTurn = 256;

/**
 * Cuts the rows into parts of `partSize` inputs. Part n always holds the inputs from n * partSize on, so that an input
 * that fails today and not tomorrow changes its own part alone. A part that is written already as it should be is left
 * as it is. At the end of a complete run, parts behind the last one are removed: the input had more rows before.
 */
export function createParts(options: { sink: Sink; journal: Journal; partSize: number; dimensions: number }): RowSink {
  const { sink, journal, partSize, dimensions } = options;
  let number = 0;
  let inputs = 0;
  let rows: Row[] = [];

  async function finishPart(): Promise<void> {
    const digest = digestOf(rows);
    if (rows.length === 0) await removePart(number);
    else if (journal.partDigest(number) !== digest || !(await sink.has(number))) {
      const vectors = await readVectors(rows);
      await sink.write({ number, rows: rows.map(({ item }) => item), vectors, dimensions });
      await journal.markPart(number, digest);
    }
    number++;
    inputs = 0;
    rows = [];
  }

  async function readVectors(rows: readonly Row[]): Promise<Float32Array> {
    const vectors = new Float32Array(rows.length * dimensions);
    for (const [i, { outcome }] of rows.entries()) {
      if ("slot" in outcome) journal.readVector(outcome.slot, vectors.subarray(i * dimensions, (i + 1) * dimensions));
      if (i % vectorsPerTurn === 0) await nextTurn();
    }
    return vectors;
  }

  /** A part of which the journal knows nothing is of a run whose journal was lost. @returns whether there was one */
  async function removePart(part: number): Promise<boolean> {
    const isKnown = journal.partDigest(part) !== undefined;
    if (!isKnown && !(await sink.has(part))) return false;
    await sink.remove(part);
    if (isKnown) await journal.markPart(part, null);
    return true;
  }

  return {
    async add(row) {
      inputs++;
      if ("slot" in row.outcome) rows.push(row);
      if (inputs === partSize) await finishPart();
    },
    async finish({ isComplete }) {
      if (inputs > 0) await finishPart();
      if (isComplete) {
        for (const part of journal.parts()) if (part >= number) await removePart(part);
        for (let part = number; await removePart(part); part++);
      }
      await sink.finish?.();
    },
  };
}

/** Computes a digest that differs when any row of the part does. */
function digestOf(rows: readonly Row[]): string {
  const hash = createHash("sha256");
  for (const { item, outcome } of rows) {
    const content = "slot" in outcome ? outcome.contentHash : "";
    hash.update(`${JSON.stringify([item.key, item.name, item.columns, content])}\n`);
  }
  return hash.digest("base64");
}
