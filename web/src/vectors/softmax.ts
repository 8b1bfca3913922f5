/** Says how a model turns cosines into probabilities: GET /info's logit. */
export interface Logit {
  kind: "softmax" | "sigmoid";
  /** Natural logarithm of what cosines are multiplied by. */
  scale: number;
  bias?: number | undefined;
}

/** Computes the model's own probabilities of sentences for one picture. */
export function probabilities(cosines: number[], { kind, scale, bias = 0 }: Logit): number[] {
  const logits = cosines.map((cosine) => Math.exp(scale) * cosine + bias);
  if (kind === "sigmoid") return logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
