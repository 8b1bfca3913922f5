import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonGuard } from "../../src/server/json-guard.ts";

/** Feeds the text in pieces of a few bytes, so that strings and escapes are cut anywhere. */
function inspect(text: string, { maxValues = 1000, pieceBytes = 3 } = {}): void {
  const guard = new JsonGuard({ maxValues });
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += pieceBytes)
    guard.inspect(bytes.subarray(start, start + pieceBytes));
}

const tooDeep = expect.objectContaining({ code: "INVALID_REQUEST" });
const tooMany = expect.objectContaining({ code: "BATCH_TOO_LARGE" });

describe("the guard before JSON.parse", () => {
  it("lets 32 levels pass and not more", () => {
    expect(() => inspect(`${"[".repeat(32)}1${"]".repeat(32)}`)).not.toThrow();
    expect(() => inspect("[".repeat(33))).toThrow(tooDeep);
    expect(() => inspect('{"a":'.repeat(33))).toThrow(tooDeep);
  });

  it("bounds the number of values, whatever they are", () => {
    for (const value of ["{}", "[]", '""', "1", "null", '"":"":""']) {
      expect(() => inspect(`[${Array(300).fill(value).join(",")}]`, { maxValues: 299 })).toThrow(tooMany);
      expect(() => inspect(`[${Array(30).fill(value).join(",")}]`, { maxValues: 150 })).not.toThrow();
    }
  });

  it("knows an escaped quote where the backslash was the end of a piece", () => {
    const text = JSON.stringify([`"${",".repeat(100)}`, `\\"${",".repeat(100)}`]);
    for (const pieceBytes of [1, 2, 3, 4]) expect(() => inspect(text, { maxValues: 10, pieceBytes })).not.toThrow();
  });

  it("counts nothing inside strings, wherever they are cut and whatever they hold", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary" }), { maxLength: 10 }),
        fc.integer({ min: 1, max: 9 }),
        (strings, n) => {
          const texts = [...strings, '[[[[{{{{,,,,"\\', "\\", '\\"'];
          expect(() => inspect(JSON.stringify(texts), { maxValues: 30, pieceBytes: n })).not.toThrow();
          expect(() => inspect(JSON.stringify(texts), { maxValues: texts.length, pieceBytes: n })).toThrow(tooMany);
        },
      ),
    );
  });
});
