import { expect, it, onTestFinished } from "vitest";
import { findDuplicates } from "../../src/search/duplicates.ts";
import { openVectorStore } from "../../src/search/vector-store.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

it("links near-identical pictures, however many copies each of them has", async () => {
  const store = await openVectorStore(await temporaryFolder(), 8);
  onTestFinished(() => store.close());
  const copies = (hash: string, radians: number, count: number) =>
    Array.from({ length: count }, (_, at) => ({
      ...{ id: `${hash}${at}`, path: `${hash}/${at}.jpg`, hash, digest: "00000000", version: "1:2", columns: {} },
      ...{ input: 0, root: 0, vector: Float32Array.of(Math.cos(radians), Math.sin(radians), 0, 0, 0, 0, 0, 0) },
    }));
  await store.add([...copies("a", 0, 40), ...copies("b", 0.05, 140), ...copies("c", 1, 2), ...copies("d", 2, 1)]);
  const groups = await findDuplicates(store, { min: 0.99, signal: new AbortController().signal });
  expect(groups.map((group) => group.length)).toEqual([180, 2]);
  const [same, similar] = [true, false].map((is) => groups[0]!.filter(({ sameBytes }) => sameBytes === is));
  expect([same!.length, similar!.length]).toEqual([40, 140]);
  for (const { score } of similar!) expect(score).toBeCloseTo(Math.cos(0.05), 5);
});
