import { describe, expect, it } from "vitest";
import { vectorJson } from "../../src/encoder/vector-json.ts";

/** An exact number: numerator / denominator. */
type Fraction = [numerator: bigint, denominator: bigint];

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);
const infinityWord = 0x7f800000;

function printed(bits: number): string {
  word[0] = bits;
  return vectorJson(float).toString().slice(1, -1);
}

function ofWord(bits: number): Fraction {
  if (bits === infinityWord) return [1n << 128n, 1n];
  const exponent = bits >>> 23;
  const mantissa = BigInt((bits & 0x7fffff) + (exponent > 0 ? 2 ** 23 : 0));
  const power = Math.max(exponent, 1) - 150;
  return power >= 0 ? [mantissa << BigInt(power), 1n] : [mantissa, 1n << BigInt(-power)];
}

function ofDecimal(digits: bigint, power: number): Fraction {
  return power >= 0 ? [digits * 10n ** BigInt(power), 1n] : [digits, 10n ** BigInt(-power)];
}

function distance([a, b]: Fraction, [c, d]: Fraction): Fraction {
  const difference = a * d - c * b;
  return [difference < 0n ? -difference : difference, b * d];
}

const isLess = ([a, b]: Fraction, [c, d]: Fraction) => a * d < c * b;

/** Tells whether a correct reader takes the decimal for this positive float32: the nearest, of two the even one. */
function readsBack(decimal: Fraction, bits: number): boolean {
  const own = distance(decimal, ofWord(bits));
  return [bits - 1, bits + 1].every((other) => {
    const theirs = distance(decimal, ofWord(other));
    return isLess(own, theirs) || (!isLess(theirs, own) && bits % 2 === 0);
  });
}

/** What is wrong with the printed form of a positive float32, found by exact arithmetic and the slow way. */
function faultOf(bits: number): string | undefined {
  const text = printed(bits);
  const [, whole, decimals = "", exponent = "0"] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text) ?? [];
  if (whole === undefined || String(Number(text)) !== text) return `${text}: is not in JavaScript's notation`;
  const value = ofDecimal(BigInt(whole + decimals), Number(exponent) - decimals.length);
  if (!readsBack(value, bits) || Math.fround(Number(text)) !== float[0])
    return `${text}: reads back to another float32`;
  const count = (whole + decimals).replace(/^0+/, "").replace(/0+$/, "").length;
  const near = (digits: number) => {
    const [mantissa, power] = float[0]!.toExponential(digits - 1).split("e");
    const nearest = BigInt(mantissa!.replace(".", ""));
    const candidates = [nearest - 1n, nearest, nearest + 1n].filter((candidate) => candidate > 0n);
    return candidates
      .map((candidate) => ofDecimal(candidate, Number(power) - digits + 1))
      .filter((c) => readsBack(c, bits));
  };
  if (count > 1 && near(count - 1).length > 0) return `${text}: has a digit too many`;
  const own = distance(value, ofWord(bits));
  if (near(count).some((other) => isLess(distance(other, ofWord(bits)), own))) return `${text}: is not the nearest`;
  return undefined;
}

const faultsOf = (words: number[]) => words.map((bits) => faultOf(bits)).filter((fault) => fault !== undefined);

/** Gives words from 1 to `most`, the same ones every time. */
function someWords(count: number, most: number): number[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1 + Math.floor((state / 2 ** 32) * most);
  });
}

describe("the JSON of a vector", () => {
  it("is JSON, with the shortest decimal of each number", () => {
    expect(vectorJson(Float32Array.of(0.1, -0.25, 0, -0, 1, 16777216, 1e-7, 3.4028235e38)).toString()).toBe(
      "[0.1,-0.25,0,-0,1,16777216,1e-7,3.4028235e+38]",
    );
  });

  it("is right around every power of two, the smallest and the largest float32 among them", () => {
    const words = Array.from({ length: 255 }, (_, exponent) => exponent << 23).flatMap((power) =>
      [power - 2, power - 1, power, power + 1, power + 2, power + 0x400000].filter((bits) => bits > 0),
    );
    expect(faultsOf([...words, infinityWord - 1])).toEqual([]);
  });

  it("is right for denormals", () => {
    expect(faultsOf(Array.from({ length: 300 }, (_, i) => i + 1))).toEqual([]);
    expect(faultsOf(someWords(300, 0x7fffff))).toEqual([]);
  });

  it("is right for random bit patterns", () => {
    expect(faultsOf(someWords(20_000, infinityWord - 1))).toEqual([]);
  });

  it("is right for numbers with few digits", () => {
    const words = Array.from({ length: 2000 }, (_, i) => {
      float[0] = (i + 1) / 1000;
      return word[0]!;
    });
    expect(faultsOf(words)).toEqual([]);
  });

  it("refuses what JSON cannot hold", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(() => vectorJson(Float32Array.of(0, value))).toThrow("not finite");
    }
  });
});
