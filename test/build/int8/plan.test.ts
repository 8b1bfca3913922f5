import { describe, expect, it } from "vitest";
import { fidelityOf, isFaithful } from "../../../src/build/int8/fidelity.ts";
import { makePictures } from "../../../src/build/int8/pictures.ts";
import { planInput } from "../../../src/build/int8/plan.ts";
import { quantisedMatrix } from "../../../src/build/int8/quantise.ts";
import { calibrationSentences, heldOutSentences } from "../../../src/build/int8/sentences.ts";

const plain = { name: "layer", followsGelu: false };

/** Makes ranges of eight channels, symmetric about zero. */
function ranges(...largest: number[]) {
  return { max: Float32Array.from(largest), min: Float32Array.from(largest, (value) => -value) };
}

describe("an input's plan", () => {
  it("is one scale that covers what calibration saw, with some room", () => {
    const plan = planInput(plain, ranges(1, 1, 2, 3, 2, 1, 1, 1));
    expect(plan).toMatchObject({ kind: "fixed", divisors: undefined });
    const covered = plan.kind === "fixed" ? plan.scale * 127 : 0;
    expect(covered).toBeGreaterThan(3.3);
    expect(covered).toBeLessThan(4);
  });

  it("divides channels that tower over the others, and no others", () => {
    const plan = planInput(plain, ranges(1, 1, 1, 50, 1, 1, 1, 1));
    const divisors = plan.kind === "fixed" ? plan.divisors! : new Float32Array();
    expect(divisors[3]).toBeGreaterThanOrEqual(25);
    expect([...divisors].filter((divisor) => divisor !== 1)).toHaveLength(1);
    expect(plan.kind === "fixed" && plan.scale * 127).toBeLessThan(3);
  });

  it("does not change with the last bits of what was seen", () => {
    const nudged = ranges(1, 1.0000001, 1, 50.00001, 1, 1, 1, 1);
    expect(planInput(plain, nudged)).toEqual(planInput(plain, ranges(1, 1, 1, 50, 1, 1, 1, 1)));
  });

  it("is a scale per token behind an activation, down to the activation's dip", () => {
    const seen = { max: Float32Array.of(40, 3), min: Float32Array.of(-0.17, -0.1) };
    const plan = planInput({ name: "layer", followsGelu: true }, seen);
    const floor = plan.kind === "perToken" ? plan.floor! : 0;
    expect(floor).toBeGreaterThanOrEqual(Math.fround(0.17));
    expect(floor).toBeLessThan(0.2);
  });
});

describe("a quantised weight", () => {
  it("is within half a step of the original in every output channel, however they differ in size", async () => {
    const [outputs, inputs] = [3, 4];
    const values = Float32Array.of(1, -2, 3, -4, 0.001, 0.002, -0.004, 0.003, 0, 0, 0, 0);
    const { integers, scales, sums } = await quantisedMatrix({
      shape: [outputs, inputs],
      read: async () => values.slice(),
    })();
    for (let output = 0; output < outputs; output++) {
      for (let input = 0; input < inputs; input++) {
        const restored = integers[input * outputs + output]! * scales[output]!;
        expect(Math.abs(restored - values[output * inputs + input]!)).toBeLessThanOrEqual(scales[output]! * 0.5001);
      }
    }
    expect(sums[0]).toBeCloseTo(-2, 6);
    expect([...integers].some((integer) => Math.abs(integer) === 127)).toBe(true);
  });
});

describe("fidelity", () => {
  it("is the cosines' mean, least and percentiles", () => {
    const exact = Array.from({ length: 101 }, () => Float32Array.of(1, 0));
    const angles = exact.map((_, index) => index / 1000);
    const turned = angles.map((angle) => Float32Array.of(2 * Math.cos(angle), 2 * Math.sin(angle)));
    const fidelity = fidelityOf(exact, turned);
    expect(fidelity.samples).toBe(101);
    expect(fidelity.min).toBeCloseTo(Math.cos(0.1), 5);
    expect(fidelity.p50).toBeCloseTo(Math.cos(0.05), 5);
    expect(fidelity.p05).toBeCloseTo(Math.cos(0.095), 5);
  });

  it("counts a vector without direction as lost", () => {
    expect(fidelityOf([Float32Array.of(1, 0)], [Float32Array.of(0, 0)]).min).toBe(0);
    expect(fidelityOf([Float32Array.of(1, 0)], [Float32Array.of(Number.NaN, 0)]).min).toBe(0);
  });

  it("is enough from a mean of 0.995 and a least cosine of 0.98 on", () => {
    const fidelity = { samples: 1, p01: 1, p05: 1, p50: 1 };
    expect(isFaithful({ ...fidelity, mean: 0.995, min: 0.98 })).toBe(true);
    expect(isFaithful({ ...fidelity, mean: 0.9949, min: 0.99 })).toBe(false);
    expect(isFaithful({ ...fidelity, mean: 0.999, min: 0.9799 })).toBe(false);
  });
});

describe("samples", () => {
  it("are the same every time, and others for measuring than for calibrating", () => {
    const once = makePictures({ count: 5, size: 16, seed: 1 });
    expect(makePictures({ count: 5, size: 16, seed: 1 })).toEqual(once);
    expect(makePictures({ count: 5, size: 16, seed: 2 })[4]).not.toEqual(once[4]);
    expect(heldOutSentences.filter((sentence) => calibrationSentences.includes(sentence))).toEqual([]);
  });
});
