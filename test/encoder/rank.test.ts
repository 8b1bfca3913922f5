import { describe, expect, it } from "vitest";
import { compare, type RankRequest, rank } from "../../src/encoder/rank.ts";
import { fakeEncoder } from "../support/fake-encoder.ts";

/** Makes an encoder of two dimensions, in which a text is the angle that it spells in degrees. */
function encoderOfAngles() {
  const encoder = fakeEncoder();
  const vectorOf = (degrees: number) =>
    Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
  encoder.encodeTexts = async (texts) => ({
    embeddings: texts.map((text) => vectorOf(Number(text))),
    truncated: 0,
    unknownTokens: 0,
    errors: [],
    incomplete: 0,
    tokens: 0,
    timings: { queueMs: 0, inferenceMs: 0 },
  });
  return encoder;
}

const text = (degrees: number) => ({ text: String(degrees) });
const request: RankRequest = { query: text(0), candidates: [90, 10, 180, 60].map(text) };

describe("rank", () => {
  it("refuses a number of results that is none", async () => {
    for (const top of [0, -1, 1.5, Number.NaN]) {
      await expect(rank(encoderOfAngles(), { ...request, top })).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    }
  });

  it("orders candidates by their cosine with the query", async () => {
    const { results, probabilityKind } = await rank(encoderOfAngles(), request);
    expect(probabilityKind).toBeUndefined();
    expect(results.map(({ index }) => index)).toEqual([1, 3, 0, 2]);
    expect(results[1]!.cosine).toBeCloseTo(0.5, 6);
    expect(results[3]!.cosine).toBeCloseTo(-1, 6);
  });

  it("gives the probabilities of a softmax over all candidates, also of the best few", async () => {
    const encoder = encoderOfAngles();
    encoder.manifest.logit = { kind: "softmax", scale: Math.log(2) };
    const all = await rank(encoder, { ...request, probabilities: true });
    expect(all.probabilityKind).toBe("softmax");
    const sum = all.results.reduce((total, { probability }) => total + probability!, 0);
    expect(sum).toBeCloseTo(1, 6);
    expect(all.results[0]!.probability! / all.results[1]!.probability!).toBeCloseTo(
      Math.exp(2 * (Math.cos(Math.PI / 18) - 0.5)),
      5,
    );
    const best = await rank(encoder, { ...request, probabilities: true, top: 2 });
    expect(best.results).toEqual(all.results.slice(0, 2));
  });

  it("gives the probability of each pair where the model has a sigmoid", async () => {
    const encoder = encoderOfAngles();
    encoder.manifest.logit = { kind: "sigmoid", scale: Math.log(10), bias: -5 };
    const { results, probabilityKind } = await rank(encoder, { ...request, probabilities: true });
    expect(probabilityKind).toBe("sigmoid");
    expect(results[1]!.probability).toBeCloseTo(0.5, 5);
  });

  it("refuses probabilities of a model that has none", async () => {
    const encoder = encoderOfAngles();
    encoder.manifest.logit = null;
    await expect(rank(encoder, { ...request, probabilities: true })).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });
});

describe("compare", () => {
  it("gives a row of cosines for each of the first items", async () => {
    const rows = await compare(encoderOfAngles(), { a: [text(0), text(90)], b: [text(0), text(60), text(180)] });
    expect(rows.map((row) => [...row].map((cosine) => Math.round(cosine * 1000) / 1000))).toEqual([
      [1, 0.5, -1],
      [0, 0.866, 0],
    ]);
  });
});
