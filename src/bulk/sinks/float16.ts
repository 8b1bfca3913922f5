/** Rounds to IEEE 754 half precision, to nearest, ties to even. Node.js has Float16Array only from version 24 on. */
export function float16Of(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, half);
}

/** @param bits of a float32 */
function half(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127;
  const fraction = bits & 0x7fffff;
  if (exponent === 128) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  if (exponent > 15) return sign | 0x7c00;
  if (exponent >= -14) return sign | (((exponent + 15) << 10) + rounded(fraction, 13)); // a carry goes into the exponent
  if (exponent < -25) return sign;
  return sign | rounded(fraction | 0x800000, 13 - 14 - exponent); // a subnormal number
}

/** Computes `value >> shift`, rounded to nearest, ties to even. */
function rounded(value: number, shift: number): number {
  const low = value & ((1 << shift) - 1);
  const halfway = 1 << (shift - 1);
  const whole = value >>> shift;
  return low > halfway || (low === halfway && (whole & 1) === 1) ? whole + 1 : whole;
}
