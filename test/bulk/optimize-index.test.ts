import { describe, expect, it } from "vitest";
import { optimizeIndex } from "../../src/bulk/optimize-index.ts";
import { writeFacts } from "../../src/bulk/update-index.ts";
import { newFacts } from "../../src/search/index-facts.ts";
import { openVectorStore, type StoredRow } from "../../src/search/vector-store.ts";
import { temporaryFolder } from "../support/checkpoints.ts";
import { fakeEncoder } from "../support/fake-encoder.ts";

const dimensions = 8;

function rowOf(number: number): StoredRow {
  const vector = Float32Array.from({ length: dimensions }, (_, at) => Math.sin(number * 12.9898 + at * 78.233));
  const facts = { digest: "00000000", input: 0, root: 0, path: `${number}.jpg`, version: "1:2", hash: "h" };
  return { id: number.toString(16).padStart(16, "0"), ...facts, columns: {}, vector };
}

describe("an approximate index", () => {
  it("takes new pictures into it, and is built again when they have become twice as many", async () => {
    const directory = await temporaryFolder();
    await writeFacts(directory, { ...newFacts(fakeEncoder().manifest), dimensions });
    let rows = 0;
    /** Adds pictures as an update does. */
    const grow = async (to: number) => {
      const store = await openVectorStore(directory, dimensions);
      await store.add(Array.from({ length: to - rows }, (_, at) => rowOf(rows + at)));
      await store.compact();
      store.close();
      rows = to;
    };
    const isBuilt = () => optimizeIndex(directory, () => {});
    /** What a search finds for the vector of the newest picture. */
    const nearest = async () => {
      const store = await openVectorStore(directory, dimensions);
      const found = await store.nearest({ vector: rowOf(rows - 1).vector, limit: 1, offset: 0 });
      store.close();
      return found[0]?.id;
    };

    expect(await isBuilt()).toBe(false); // of no picture
    await grow(300);
    expect(await isBuilt()).toBe(true);
    await grow(310);
    expect(await isBuilt()).toBe(false);
    expect(await nearest()).toBe(rowOf(309).id);
    await grow(601);
    expect(await isBuilt()).toBe(true);
    expect(await nearest()).toBe(rowOf(600).id);
  });
});
