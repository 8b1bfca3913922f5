/**
 * Float32 vectors as JSON: every number is the shortest decimal that reads back to the same float32, so 0.1 is "0.1" and
 * not "0.10000000149011612", at half the bytes.
 */

/** 10^0 … 10^22, the powers of ten that float64 holds exactly. */
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** The float64 whose own shortest decimal is the shortest that reads back to the float32 `value`. */
export function shortestDecimal(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude >= 1e-7 && magnitude < 1e7)) return rareDecimal(value);
  // Seven to nine digits suffice for almost every float32: start with eight, then go down or up.
  let decimals = 7 - Math.floor(Math.log10(magnitude));
  let found = withDecimals(magnitude, decimals);
  if (found === undefined) {
    do found = withDecimals(magnitude, ++decimals);
    while (found === undefined);
  } else {
    while (decimals > 0) {
      const shorter = withDecimals(magnitude, --decimals);
      if (shorter === undefined) break;
      found = shorter;
    }
  }
  return value < 0 ? -found : found;
}

/** The number with so many decimals that reads back to `magnitude`, if there is one. */
function withDecimals(magnitude: number, decimals: number): number | undefined {
  const scale = powersOfTen[decimals]!;
  const digits = Math.round(magnitude * scale);
  const nearest = digits / scale;
  if (Math.fround(nearest) === magnitude) return nearest;
  // At a power of two, the float32s above are twice as far apart as those below: the next decimal up may still round to it.
  const above = (digits + 1) / scale;
  return Math.fround(above) === magnitude ? above : undefined;
}

/** The same for very small and very large numbers, zeros among them: by trying digits in text. */
function rareDecimal(value: number): number {
  for (let digits = 0; digits < 9; digits++) {
    const [mantissa, exponent] = value.toExponential(digits).split("e");
    const nearest = Number(`${mantissa}e${exponent}`);
    if (Math.fround(nearest) === value) return nearest;
    const unit = Math.sign(value) * 10 ** -digits;
    const above = Number(`${(Number(mantissa) + unit).toFixed(digits)}e${exponent}`);
    if (Math.fround(above) === value) return above;
  }
  return value;
}

/** A vector as a JSON array. */
export function vectorJson(vector: Float32Array): string {
  let json = "[";
  for (let i = 0; i < vector.length; i++)
    json += i === 0 ? shortestDecimal(vector[i]!) : `,${shortestDecimal(vector[i]!)}`;
  return `${json}]`;
}
