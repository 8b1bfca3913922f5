import { describe, expect, it } from "vitest";
import { filterSql } from "../../src/search/filter.ts";

const columns = { price: "number", color: "string", sold: "boolean", "odd`name": "string" } as const;

describe("a filter", () => {
  it.each([
    [{}, undefined],
    [{ color: "red" }, "`color` = 'red'"],
    [{ color: "it's" }, "`color` = 'it''s'"],
    [{ price: { gte: 1.5, lt: 3 } }, "(`price` >= CAST(1.5 AS DOUBLE) AND `price` < CAST(3 AS DOUBLE))"],
    [{ color: ["red", "blue"], sold: false }, "`color` IN ('red', 'blue') AND `sold` = false"],
    [{ "odd`name": null }, "`odd``name` IS NULL"],
  ])("%o is the condition %o", (filter, sql) => {
    expect(filterSql(filter, columns)).toBe(sql);
  });

  it.each([
    [{ nothing: 1 }, 'There is no column "nothing"'],
    [{ _id: "x" }, 'There is no column "_id"'],
    [{ toString: "x" }, 'There is no column "toString"'],
    [{ price: "1 OR 1=1" }, "expected a number"],
    [{ color: 1 }, "expected a string"],
    [{ price: { like: 1 } }, "expected gt, gte, lt or lte"],
    [{ price: {} }, "is empty"],
    [{ color: [] }, "holds 0 values"],
    [{ color: [["red"]] }, "expected a string"],
  ])("%o is refused", (filter, sentence) => {
    expect(() => filterSql(filter, columns)).toThrow(sentence);
  });
});
