import { describe, expect, it } from "vitest";
import { readKnownRows, rowId } from "../../src/bulk/known-rows.ts";
import type { OwnFields } from "../../src/search/vector-store.ts";
import { openVectorStore } from "../../src/search/vector-store.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

const idOf = (i: number) => rowId(`file /pictures/${i}.jpg`);
const row = { digest: "0000000a", input: 0 };

describe("the known rows of an index", () => {
  it("are new once and the same afterwards, however many there are, and none of them has gone", async () => {
    const store = await openVectorStore(await temporaryFolder(), 2);
    const known = await readKnownRows(store);
    const count = 10_000;
    for (let i = 0; i < count; i++) expect(known.put(idOf(i), row)).toBe("new");
    expect(known.unseen(new Set([0]))).toEqual([]);
    for (let i = 0; i < count; i++) expect(known.put(idOf(i), row)).toBe("same");
    expect(known.put(idOf(7), { ...row, digest: "0000000b" })).toBe("changed");
    store.close();
  });

  it("have gone where a run does not meet them, if they are of an input that it has met", async () => {
    const store = await openVectorStore(await temporaryFolder(), 2);
    const stored: OwnFields = { id: "", ...row, root: 0, path: "", version: "", hash: "" };
    const fields = [0, 1, 2].map((i) => ({ ...stored, id: idOf(i), input: i === 2 ? 1 : 0 }));
    await store.add(fields.map((it) => ({ ...it, columns: {}, vector: Float32Array.of(1, 0) })));
    const known = await readKnownRows(store);
    known.see(idOf(0));
    expect(known.unseen(new Set([0]))).toEqual([idOf(1)]);
    store.close();
  });
});
