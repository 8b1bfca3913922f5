/**
 * Float32 vectors as JSON: every number is the shortest decimal that reads back to the same float32, so 0.1 is "0.1" and
 * not float64's "0.10000000149011612"; of several shortest ones, the nearest. Digits are written straight into a buffer,
 * in a third of the time and half the bytes of JSON.stringify.
 */

/** Most bytes of one number with its comma: "-123456780000000000000,". */
const maxNumberBytes = 24;

/**
 * For each exponent of normal float32s (as stored: 1 to 254), the power of ten that brings its numbers to [10^8, 2*10^9).
 * There a number's rounding interval, the numbers that read back to it, is 12 to 120 wide, so that it always holds a
 * multiple of 10, and float64's error is below 10^-6.
 */
const shifts = Int8Array.from({ length: 255 }, (_, stored) => 8 - Math.floor((stored - 127) * Math.log10(2)));
const scales = Float64Array.from(shifts, (shift) => Number(`1e${shift}`));
/** Half of the distance to the next float32, scaled: what the interval reaches to either side. */
const reaches = Float64Array.from(scales, (scale, stored) => 2 ** (stored - 151) * scale);

/**
 * A vector as a JSON array.
 * @throws RangeError where a number is not finite.
 */
export function vectorJson(vector: Float32Array): Buffer {
  const buffer = Buffer.allocUnsafe(2 + vector.length * maxNumberBytes);
  const words = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
  buffer[0] = 0x5b; // [
  let end = 1;
  for (let i = 0; i < vector.length; i++) {
    if (i > 0) buffer[end++] = 0x2c; // ,
    end = writeNumber(buffer, end, vector[i]!, words[i]!);
  }
  buffer[end++] = 0x5d; // ]
  return buffer.subarray(0, end);
}

function writeNumber(buffer: Buffer, start: number, value: number, word: number): number {
  const exponent = (word >>> 23) & 0xff;
  const fraction = word & 0x7fffff;
  if (exponent === 0xff) throw new RangeError("a vector holds a number that is not finite");
  let end = start;
  if (word >>> 31) buffer[end++] = 0x2d; // -
  if (exponent === 0 && fraction === 0) return writeDecimal(buffer, end, { digits: 0, power: 0 });
  const magnitude = Math.abs(value);
  // Denormals have fewer digits, and the interval of a power of two reaches only half as far down as up.
  if (exponent === 0 || fraction === 0) return writeDecimal(buffer, end, exactDecimal(magnitude, exponent, fraction));

  const scaled = magnitude * scales[exponent]!;
  const low = scaled - reaches[exponent]!;
  const high = scaled + reaches[exponent]!;
  if (isUncertain(low) || isUncertain(high) || isUncertain(2 * scaled)) {
    return writeDecimal(buffer, end, exactDecimal(magnitude, exponent, fraction));
  }
  let digits = Math.floor((scaled + 5) / 10);
  let power = 1 - shifts[exponent]!;
  // The interval is symmetric: if it holds any multiple of 100, it holds the nearest; and so on for 1000, …
  for (let unit = 100; ; unit *= 10) {
    const fewer = Math.floor((scaled + unit / 2) / unit);
    if (fewer * unit < low || fewer * unit > high) break;
    digits = fewer;
    power++;
  }
  return writeDecimal(buffer, end, { digits, power });
}

/** Whether float64's error may have moved a number across an integer. */
function isUncertain(scaled: number): boolean {
  const rest = scaled - Math.floor(scaled);
  return rest < 1e-5 || rest > 1 - 1e-5;
}

/** digits * 10^power; `digits` has at most nine digits and does not end in 0. */
interface Decimal {
  digits: number;
  power: number;
}

/** The same in big integers, for the one number in 10,000 that float64 cannot decide. */
function exactDecimal(magnitude: number, exponent: number, fraction: number): Decimal {
  // magnitude = quarters / 4 * 2^binary; the interval's ends lie 2 quarters off, or 1 below a power of two.
  const quarters = 4n * BigInt(exponent === 0 ? fraction : fraction + 2 ** 23);
  const binary = Math.max(exponent, 1) - 150;
  const down = fraction === 0 && exponent > 1 ? 1n : 2n;
  const includesEnds = fraction % 2 === 0; // a tie reads back to the even one
  for (let power = Math.floor(Math.log10(magnitude)) + 1; ; power--) {
    // Both sides of the comparison as integers: n * 10^power against quarters / 4 * 2^binary.
    const unit = 4n * power2(-binary) * power10(power);
    const scale = power2(binary) * power10(-power);
    const value = quarters * scale;
    const low = (quarters - down) * scale;
    const high = (quarters + 2n) * scale;
    const reads = (n: bigint) =>
      includesEnds ? n * unit >= low && n * unit <= high : n * unit > low && n * unit < high;
    const below = value / unit;
    const nearestFirst = 2n * (value - below * unit) <= unit ? [below, below + 1n] : [below + 1n, below];
    const found = nearestFirst.find((n) => n > 0n && reads(n));
    if (found !== undefined) return { digits: Number(found), power };
  }
}

/** base^exponent, and 1 for negative exponents. */
const power2 = (exponent: number) => 1n << BigInt(Math.max(exponent, 0));
const power10 = (exponent: number) => 10n ** BigInt(Math.max(exponent, 0));

/** In JavaScript's notation: with an exponent below 10^-6 and from 10^21 on. */
function writeDecimal(buffer: Buffer, start: number, { digits, power }: Decimal): number {
  const count = digitCount(digits);
  const point = count + power; // digits before the point; if negative, zeros behind it
  let end = start;
  if (point > 21 || point < -5) {
    const text = String(digits);
    const mantissa = count > 1 ? `${text[0]}.${text.slice(1)}` : text;
    return end + buffer.write(`${mantissa}e${point > 0 ? "+" : ""}${point - 1}`, end, "latin1");
  }
  if (point <= 0) {
    buffer[end++] = 0x30; // 0
    buffer[end++] = 0x2e; // .
    for (let zeros = point; zeros < 0; zeros++) buffer[end++] = 0x30;
    return writeDigits(buffer, end, digits, count);
  }
  end = writeDigits(buffer, end, digits, count);
  for (let zeros = 0; zeros < power; zeros++) buffer[end++] = 0x30;
  if (power >= 0) return end;
  buffer.copyWithin(start + point + 1, start + point, end);
  buffer[start + point] = 0x2e;
  return end + 1;
}

function digitCount(digits: number): number {
  let count = 1;
  for (let bound = 10; digits >= bound; bound *= 10) count++;
  return count;
}

function writeDigits(buffer: Buffer, start: number, digits: number, count: number): number {
  let rest = digits | 0; // at most nine digits: fits an int32
  for (let i = start + count - 1; i >= start; i--) {
    const tenth = (rest / 10) | 0;
    buffer[i] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  return start + count;
}
