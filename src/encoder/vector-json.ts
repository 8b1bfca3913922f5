/**
 * Float32 vectors are written as JSON here: every number is the shortest decimal that reads back to the same float32,
 * so 0.1 is "0.1" and not float64's "0.10000000149011612"; of several shortest ones, it is the nearest.
 */

/** Powers of ten that float64 holds exactly: 10^0 … 10^22. */
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** Characters of the longest number: a sign, seven digits before the point and fifteen behind it. */
const mostCharacters = 24;

/**
 * Writes a vector as a JSON array.
 * @throws RangeError if a number is not finite.
 */
export function vectorJson(vector: Float32Array): string {
  const text = Buffer.allocUnsafe(vector.length * (mostCharacters + 1));
  const words = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
  let at = 0;
  for (let i = 0; i < vector.length; i++) {
    const magnitude = Math.abs(vector[i]!);
    if (i > 0) text[at++] = 0x2c; // comma
    if (words[i]! >>> 31 === 1) text[at++] = 0x2d; // minus
    if (magnitude >= 1e-6 && magnitude < 1e7) at = writeDecimal(text, at, { magnitude, word: words[i]! });
    else at += text.write(byText(magnitude), at, "latin1");
  }
  return `[${text.toString("latin1", 0, at)}]`;
}

/** Writes a number's shortest decimal at `at`. @param float its magnitude, and its bits @returns where it ends */
function writeDecimal(text: Buffer, at: number, { magnitude, word }: { magnitude: number; word: number }): number {
  const exponent = (word >>> 23) & 0xff; // behind the sign
  // With this many digits, decimals lie as close together as float32s. Fewer often suffice.
  let decimals = Math.max(0, Math.ceil((150 - exponent) * Math.log10(2)));
  let digits = digitsWith(magnitude, decimals);
  while (digits === 0) digits = digitsWith(magnitude, ++decimals);
  while (decimals > 0) {
    const fewer = digitsWith(magnitude, decimals - 1);
    if (fewer === 0) break;
    digits = fewer;
    decimals--;
  }
  const places = digits < powersOfTen[decimals + 1]! ? decimals + 1 : String(digits).length;
  const end = at + places + (decimals > 0 ? 1 : 0);
  const point = end - 1 - decimals;
  let rest = digits | 0; // it is below 2^31
  for (let place = end - 1; place >= at; place--) {
    if (decimals > 0 && place === point) {
      text[place] = 0x2e;
      continue;
    }
    const tens = (rest / 10) | 0; // cuts off the fraction, in half the time of Math.floor()
    text[place] = 0x30 + rest - tens * 10;
    rest = tens;
  }
  return end;
}

/** Gives the digits of the nearest number with `decimals` decimals if it reads back to `magnitude`, or else 0. */
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
