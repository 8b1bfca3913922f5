import { describe, expect, it } from "vitest";
import { combine, parseQuery } from "../../src/search/query.ts";

describe("a question", () => {
  it.each([
    ["a red bicycle", [{ value: { text: "a red bicycle" }, weight: 1 }]],
    ["t-shirt", [{ value: { text: "t-shirt" }, weight: 1 }]],
    [
      "golden retriever + ./pool.jpg - 0.5: fruit",
      [
        { value: { text: "golden retriever" }, weight: 1 },
        { value: { picture: "./pool.jpg" }, weight: 1 },
        { value: { text: "fruit" }, weight: -0.5 },
      ],
    ],
    ["2: snow", [{ value: { text: "snow" }, weight: 2 }]],
    ["https://example.com/a.jpg", [{ value: { picture: "https://example.com/a.jpg" }, weight: 1 }]],
    ["~/a b.jpg", [{ value: { picture: "~/a b.jpg" }, weight: 1 }]],
  ])("%o is read", (text, terms) => {
    expect(parseQuery(text)).toEqual(terms);
  });

  it("is summed by weight and made unit again", () => {
    const vector = combine([Float32Array.of(1, 0), Float32Array.of(0, 1)], [2, -1]);
    expect([...vector]).toEqual([2, -1].map((value) => Math.fround(value / Math.sqrt(5))));
  });

  it("of which nothing is left is refused", () => {
    const vector = Float32Array.of(0.6, 0.8);
    expect(() => combine([vector, vector], [1, -1])).toThrow("cancel each other out");
  });
});
