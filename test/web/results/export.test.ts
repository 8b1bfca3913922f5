import { describe, expect, it } from "vitest";
import type { Picture } from "../../../web/src/collections/picture.ts";
import { asCsv, asJson } from "../../../web/src/results/export.ts";

const results = ["plain.jpg", 'with "quotes", and a comma.jpg', "=HYPERLINK(1).jpg", "ünïcödé\n.jpg"].map(
  (name, at) => ({
    picture: { id: `own-${at}`, name, origin: { kind: "index", id: String(at) } } satisfies Picture,
    score: 0.5 - at / 10,
  }),
);

describe("exported results", () => {
  it("are CSV that a spreadsheet reads as text, never as a formula", () => {
    expect(asCsv(results).split("\r\n")).toEqual([
      "rank,name,score",
      '1,"plain.jpg",0.500000',
      '2,"with ""quotes"", and a comma.jpg",0.400000',
      '3,"\'=HYPERLINK(1).jpg",0.300000',
      '4,"ünïcödé\n.jpg",0.200000',
      "",
    ]);
  });

  it("are JSON of the shape that POST /search has", () => {
    expect(JSON.parse(asJson(results))).toMatchObject({
      success: true,
      results: [{ path: "plain.jpg", score: 0.5 }, {}, {}, {}],
    });
  });
});
