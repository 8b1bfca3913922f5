import type { Manifest } from "../model/manifest.ts";

/** Writes a line for each tower that int8 or fp16 was tried for: how close it came to fp32, and what was chosen. */
export function describeFidelity({ image, text }: Manifest): string {
  return Object.entries({ image, text })
    .map(([tower, { precision, fidelity }]) => {
      if (!fidelity) return "";
      const { samples, mean, min, p01, p05, p50 } = fidelity;
      const tried = precision === "fp16" ? "fp16" : "int8";
      const choice = precision === "fp32" ? "fp32, since int8 is too far from it" : precision;
      const cosines = `mean ${mean}, least ${min}, percentiles 1: ${p01}, 5: ${p05}, 50: ${p50}`;
      return `${tower} tower: ${choice}; cosine of ${tried} with fp32 on ${samples} held-out inputs: ${cosines}\n`;
    })
    .join("");
}
