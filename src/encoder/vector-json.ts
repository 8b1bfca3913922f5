/**
 * Float32 vectors are written as JSON here: every number is the shortest decimal that reads back to the same float32,
 * so 0.1 is "0.1" and not float64's "0.10000000149011612"; of several shortest ones, it is the nearest.
 */

/** These are the powers of ten that float64 holds exactly: 10^0 … 10^22. */
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * Writes a vector as a JSON array.
 * @throws RangeError if a number is not finite.
 */
export function vectorJson(vector: Float32Array): string {
  let json = "[";
  for (let i = 0; i < vector.length; i++) json += i === 0 ? decimal(vector[i]!) : `,${decimal(vector[i]!)}`;
  return `${json}]`;
}

function decimal(value: number): string {
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  return sign + (magnitude >= 1e-6 && magnitude < 1e7 ? byArithmetic(magnitude) : byText(magnitude));
}

/**
 * Searches for the digits: seven to nine suffice for almost every float32, so it starts with eight, then goes down or
 * up.
 */
function byArithmetic(magnitude: number): string {
  let decimals = 7 - Math.floor(Math.log10(magnitude));
  let digits = digitsWith(magnitude, decimals);
  while (digits === 0) digits = digitsWith(magnitude, ++decimals);
  while (decimals > 0) {
    const fewer = digitsWith(magnitude, decimals - 1);
    if (fewer === 0) break;
    digits = fewer;
    decimals--;
  }
  // Below 1, putting zeros before an integer is faster than printing the number.
  if (magnitude >= 1) return String(digits / powersOfTen[decimals]!);
  return `0.${String(digits).padStart(decimals, "0")}`;
}

/**
 * Gives the digits of the number with so many decimals that is nearest to `magnitude` and reads back to it; 0 if none
 * does.
 */
function digitsWith(magnitude: number, decimals: number): number {
  const scale = powersOfTen[decimals]!;
  const digits = Math.round(magnitude * scale);
  if (Math.fround(digits / scale) === magnitude) return digits;
  // The float32s above a power of two are twice as far apart as those below it: the next decimal up may still round to it.
  return Math.fround((digits + 1) / scale) === magnitude ? digits + 1 : 0;
}

/** Does the same for very small and very large numbers, zero among them, by trying digits in text. */
function byText(magnitude: number): string {
  if (!Number.isFinite(magnitude)) throw new RangeError("a vector holds a number that is not finite");
  for (let digits = 0; digits < 9; digits++) {
    const [mantissa, exponent] = magnitude.toExponential(digits).split("e");
    const nearest = Number(`${mantissa}e${exponent}`);
    if (Math.fround(nearest) === magnitude) return String(nearest);
    const above = Number(`${(Number(mantissa) + 10 ** -digits).toFixed(digits)}e${exponent}`);
    if (Math.fround(above) === magnitude) return String(above);
  }
  return String(magnitude);
}
