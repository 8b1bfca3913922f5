import { expect, it } from "vitest";
import { describeFidelity } from "../../src/cli/fidelity.ts";
import type { Manifest } from "../../src/model/manifest.ts";

const fidelity = { samples: 64, mean: 0.9993, min: 0.9988, p01: 0.9989, p05: 0.999, p50: 0.9994 };

function manifestWith(image: object, text: object): Manifest {
  return { image, text } as unknown as Manifest; // the function reads nothing else
}

it("a build says how close int8 is to fp32, and where it was not close enough", () => {
  const poor = { ...fidelity, mean: 0.97 };
  const lines = describeFidelity(manifestWith({ precision: "int8", fidelity }, { precision: "fp32", fidelity: poor }));
  expect(lines).toBe(
    "image tower: int8; cosine of int8 with fp32 on 64 held-out inputs: mean 0.9993, least 0.9988, percentiles 1: 0.9989, 5: 0.999, 50: 0.9994\n" +
      "text tower: fp32, since int8 is too far from it; cosine of int8 with fp32 on 64 held-out inputs: mean 0.97, least 0.9988, percentiles 1: 0.9989, 5: 0.999, 50: 0.9994\n",
  );
});

it("a build in fp32 says nothing about int8", () => {
  expect(describeFidelity(manifestWith({ precision: "fp32" }, { precision: "fp32" }))).toBe("");
});
