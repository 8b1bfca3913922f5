import type { Manifest } from "../model/manifest.ts";

/** Writes a line for each tower that int8 was tried for: how close it came to fp32, and what was chosen. */
export function describeFidelity({ image, text }: Manifest): string {
  return Object.entries({ image, text })
    .map(([tower, { precision, fidelity }]) => {
      if (!fidelity) return "";
      const { samples, mean, min, p01, p05, p50 } = fidelity;
      const choice = precision === "int8" ? "int8" : "fp32, since int8 is too far from it";
      const cosines = `mean ${mean}, least ${min}, percentiles 1: ${p01}, 5: ${p05}, 50: ${p50}`;
      return `${tower} tower: ${choice}; cosine of int8 with fp32 on ${samples} held-out inputs: ${cosines}\n`;
    })
    .join("");
}
