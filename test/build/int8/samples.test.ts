import { describe, expect, it } from "vitest";
import { imageSamples } from "../../../src/build/int8/samples.ts";

const counts = (cost: number) => {
  const { calibration, heldOut } = imageSamples({ size: 4, cost });
  return [calibration.length, heldOut.length];
};

describe("the pictures that a tower is measured with", () => {
  it("are as many as ever up to four times the production size", () => {
    expect(counts(50 * 86e6)).toEqual([32, 64]);
    expect(counts(197 * 86e6)).toEqual([32, 64]);
  });

  it("are fewer for larger towers, whose pictures have more tokens, and never too few", () => {
    expect(counts(257 * 304e6)).toEqual([8, 16]);
    expect(counts(2 * 18e9)).toEqual([16, 32]);
    expect(counts(1e12)).toEqual([8, 16]);
  });
});
