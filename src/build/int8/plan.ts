/** Says what inputs a linear layer saw during calibration, per input channel. */
export interface InputRange {
  min: Float32Array;
  max: Float32Array;
}

/** Describes a linear layer, as far as its plan depends on it. */
export interface PlannedLayer {
  name: string;
  /**
   * Tells whether its input comes out of a GELU. Such an input never falls below the function's dip, and its largest
   * value varies from token to token more than tenfold, so that one scale for all would leave most tokens few steps.
   */
  followsGelu: boolean;
}

export type PlanOf = (layer: PlannedLayer) => InputPlan;

/** Says how a linear layer's input becomes uint8. */
export type InputPlan =
  /** Every token has the same scale, known beforehand; `divisors` tame channels that tower over the others. */
  | { kind: "fixed"; scale: number; divisors: Float32Array | undefined }
  /** Each token has a scale of its own, from its largest value, in [-floor, max] or, without a floor, [-max, max]. */
  | { kind: "perToken"; floor: number | undefined };

/** A scale has this much room above what calibration saw, before rounding up; beyond it values are cut off. */
const headroom = 1.15;

/** A channel counts as an outlier from this many times the median channel's range on. */
const outlierRatio = 4;
/** Outlier channels are brought down to this many times the median range; what they lose, their weights gain. */
const tamedRatio = 2;

export function planInput({ followsGelu }: PlannedLayer, { min, max }: InputRange): InputPlan {
  const lowest = min.reduce((a, b) => Math.min(a, b), 0);
  if (followsGelu) return { kind: "perToken", floor: coarse(Math.max(-lowest, 1e-3)) };
  const ranges = max.map((value, channel) => Math.max(value, -min[channel]!));
  const median = ranges.toSorted()[ranges.length >> 1]!;
  const divisors = ranges.map((range) => coarse(Math.max(1, range / (tamedRatio * median))));
  const tame = median > 0 && ranges.some((range) => range > outlierRatio * median);
  const largest = ranges.reduce((most, range, channel) => Math.max(most, tame ? range / divisors[channel]! : range), 0);
  return {
    kind: "fixed",
    scale: coarse(Math.max((largest * headroom) / 127, 1e-30)),
    divisors: tame ? divisors : undefined,
  };
}

/** Rounds up to a float32 of three fraction bits, since processors differ in the last bits of what calibration sees. */
function coarse(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0]! + 0xfffff) & ~0xfffff;
  return new Float32Array(bits.buffer)[0]!;
}
