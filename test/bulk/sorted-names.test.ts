import { readdirSync } from "node:fs";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sortedNames } from "../../src/bulk/sorted-names.ts";
import { temporaryFolder } from "../support/checkpoints.ts";
import { collect } from "../support/collect.ts";

async function sorted(names: Buffer[], inMemory: number): Promise<Buffer[]> {
  const scratch = await temporaryFolder();
  const result = await collect(sortedNames(Readable.from(names), { scratch, inMemory }));
  expect(readdirSync(scratch)).toEqual([]);
  return result;
}

describe("sorted names", () => {
  it("come in the order of their bytes, however few fit into memory", async () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes.map((it) => it || 1)));
    await fc.assert(
      fc.asyncProperty(fc.array(name, { maxLength: 60 }), fc.integer({ min: 1, max: 70 }), async (names, inMemory) => {
        expect(await sorted(names, inMemory)).toEqual([...names].sort(Buffer.compare));
      }),
      { numRuns: 30 },
    );
  });

  it("leave nothing on disk when the reader stops early", async () => {
    const scratch = await temporaryFolder();
    const names = Readable.from(Array.from({ length: 100 }, (_, i) => Buffer.from(`name ${i}`)));
    for await (const name of sortedNames(names, { scratch, inMemory: 10 })) {
      expect(name.toString()).toBe("name 0");
      break;
    }
    expect(readdirSync(scratch)).toEqual([]);
  });
});
