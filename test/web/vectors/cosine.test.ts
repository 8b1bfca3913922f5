import { describe, expect, it } from "vitest";
import { writeCosine } from "../../../web/src/vectors/cosine.ts";

describe("a cosine", () => {
  it("is written with its sign, but for what rounds to zero", () => {
    expect([0.25, -0.0856, -0.0004, 0.0004].map((value) => writeCosine(value))).toEqual([
      "0.250",
      "-0.086",
      "0.000",
      "0.000",
    ]);
    expect(writeCosine(-0.0004, 4)).toBe("-0.0004");
  });
});
