import { describe, expect, it } from "vitest";
import { weightedSum } from "../../../web/src/vectors/arithmetic.ts";
import { cutWeak, foldNearDuplicates, rank } from "../../../web/src/vectors/ranking.ts";
import { probabilities } from "../../../web/src/vectors/softmax.ts";

/** Gives a vector of unit length at this angle. */
const at = (degrees: number) =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
const pictures = [
  { id: "far", vector: at(120) },
  { id: "near", vector: at(10) },
  { id: "nearer", vector: at(5) },
  { id: "none", vector: undefined },
  { id: "middle", vector: at(60) },
];
const ids = (ranked: { picture: { id: string } }[]) => ranked.map(({ picture }) => picture.id);

describe("ranking", () => {
  it("puts the nearest first and leaves out what has no vector", () => {
    const ranked = rank(pictures, at(0));
    expect(ids(ranked)).toEqual(["nearer", "near", "middle", "far"]);
    expect(ranked[2]!.score).toBeCloseTo(0.5, 5);
  });

  it("leaves out what another model has encoded, whose vectors have another length", () => {
    const mixed = [...pictures, { id: "of another model", vector: Float32Array.of(1, 0, 0) }];
    const ranked = rank(mixed, at(0));
    expect(ids(ranked)).toEqual(["nearer", "near", "middle", "far"]);
  });

  it("folds what is nearly the same behind the better one", () => {
    const folded = foldNearDuplicates(rank(pictures, at(0)));
    expect(ids(folded)).toEqual(["nearer", "middle", "far"]);
    expect(folded[0]!.alike?.map(({ id }) => id)).toEqual(["near"]);
  });

  it("cuts by the range of the scores, not at a fixed one", () => {
    const ranked = rank(pictures, at(0));
    expect(ids(cutWeak(ranked, 0))).toHaveLength(4);
    expect(ids(cutWeak(ranked, 0.6))).toEqual(["nearer", "near", "middle"]);
    expect(ids(cutWeak(ranked, 1))).toEqual(["nearer"]);
    expect(cutWeak([], 0.5)).toEqual([]);
  });
});

describe("arithmetic with vectors", () => {
  it("adds and subtracts by weight, to unit length", () => {
    const sum = weightedSum([
      { vector: at(0), weight: 1 },
      { vector: at(90), weight: -1 },
    ])!;
    expect([...sum]).toEqual([expect.closeTo(Math.SQRT1_2, 5), expect.closeTo(-Math.SQRT1_2, 5)]);
  });

  it("gives nothing where plus and minus cancel each other out, and for no terms", () => {
    const terms = [
      { vector: at(30), weight: 2 },
      { vector: at(30), weight: -2 },
    ];
    expect(weightedSum(terms)).toBeUndefined();
    expect(weightedSum([])).toBeUndefined();
  });
});

describe("probabilities", () => {
  it("are a softmax of the scaled cosines, even where their exponentials overflow", () => {
    const [first, second] = probabilities([0.3, 0.2], { kind: "softmax", scale: Math.log(100) });
    expect(first! / second!).toBeCloseTo(Math.exp(10), 0);
    expect(probabilities([1, 0], { kind: "softmax", scale: 10 })).toEqual([1, 0]);
  });

  it("are each for itself where the model has a sigmoid", () => {
    const values = probabilities([0.1, 0.1], { kind: "sigmoid", scale: Math.log(10), bias: -1 });
    expect(values).toEqual([expect.closeTo(0.5), expect.closeTo(0.5)]);
  });
});
