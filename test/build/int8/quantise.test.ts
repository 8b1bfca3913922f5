import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { largestPair, quantisedMatrix } from "../../../src/build/int8/quantise.ts";

/** Rows of weights in which some tower over the others, and some are alike. */
const weight = fc.oneof(fc.double({ min: -1, max: 1, noNaN: true }), fc.constantFrom(-50, -1, 0, 1, 50));
const row = fc.array(weight, { minLength: 7, maxLength: 7 });

describe("int8 weights", () => {
  it("never add up, in pairs of neighbouring inputs, to more than 16 bits hold with the largest byte", async () => {
    await fc.assert(
      fc.asyncProperty(row, async (values) => {
        const { integers } = await quantised(values);
        for (let at = 0; at < integers.length; at += 2) {
          const sum = integers[at]! + (integers[at + 1] ?? 0);
          expect(Math.abs(sum)).toBeLessThanOrEqual(largestPair);
        }
      }),
    );
    expect(largestPair * 255).toBeLessThanOrEqual(0x7fff);
  });

  it("stand for the original weights within half a step", async () => {
    await fc.assert(
      fc.asyncProperty(row, async (values) => {
        const { integers, scales } = await quantised(values);
        values.forEach((value, at) => {
          expect(Math.abs(integers[at]! * scales[0]! - value)).toBeLessThanOrEqual(scales[0]! * 0.5001);
        });
      }),
    );
  });
});

/** One output, whose integers [in, 1] are in the order of its inputs. */
function quantised(values: number[]) {
  return quantisedMatrix({ shape: [1, values.length], read: async () => Float32Array.from(values) })();
}
