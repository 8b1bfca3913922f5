/**
 * Does the two passes of the resize in resize.ts, by tables that resampling.ts writes and describes. A weight of 22 bits is
 * cut into high * 2^11 + low, so that i32x4.dot_i16x8_s sums two weighted pixels for four channels at a time, exactly.
 *
 * It is AssemblyScript, compiled into resize-kernel.ts by scripts/build-kernels.ts.
 */

const half: i32 = 1 << 21;

/** Takes sums of high and low parts, which hold one half, to 16 bits. */
@inline
function narrow(highLow: v128, lowLow: v128, highHigh: v128, lowHigh: v128): v128 {
  const low = i32x4.shr_s(i32x4.add(i32x4.shl(highLow, 11), lowLow), 22);
  const high = i32x4.shr_s(i32x4.add(i32x4.shl(highHigh, 11), lowHigh), 22);
  return i16x8.narrow_i32x4_s(low, high);
}

/** Loads two pixels r0 g0 b0 r1 g1 b1 of bytes as r0 r1 g0 g1 b0 b1 0 0 of 16 bits. */
@inline
function pixelPair(at: usize): v128 {
  return i8x16.swizzle(
    v128.load64_zero(at),
    i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1),
  );
}

/**
 * Resamples rows of pixels of 3 bytes; each is `stride` bytes behind the one before, each output row `outStride`. Rows go two
 * at a time, since they share the weights: of an odd number of `rows`, one more is read and written. An output row must leave
 * room for one byte behind its pixels.
 */
export function resampleRows(
  source: usize, stride: usize, rows: i32, table: usize, columns: u32, out: usize, outStride: usize,
): void {
  for (; rows > 0; rows -= 2) {
    let entry = table;
    let to = out;
    for (let column = columns; column > 0; column--) {
      let at = source + load<u32>(entry);
      let pairs = load<u32>(entry, 4);
      entry += 8;
      let highUpper = i32x4.splat(0);
      let highLower = i32x4.splat(0);
      let lowUpper = i32x4.splat(half);
      let lowLower = i32x4.splat(half);
      do {
        const upper = pixelPair(at);
        const lower = pixelPair(at + stride);
        const high = v128.load_splat<u32>(entry);
        const low = v128.load_splat<u32>(entry, 4);
        highUpper = i32x4.add(highUpper, i32x4.dot_i16x8_s(upper, high));
        lowUpper = i32x4.add(lowUpper, i32x4.dot_i16x8_s(upper, low));
        highLower = i32x4.add(highLower, i32x4.dot_i16x8_s(lower, high));
        lowLower = i32x4.add(lowLower, i32x4.dot_i16x8_s(lower, low));
        at += 6;
        entry += 8;
      } while (--pairs > 0);
      const pixels = narrow(highUpper, lowUpper, highLower, lowLower);
      const bytes = i8x16.narrow_i16x8_u(pixels, pixels);
      v128.store_lane<u32>(to, bytes, 0); // the fourth byte is the next pixel's first
      v128.store_lane<u32>(to + outStride, bytes, 1);
      to += 3;
    }
    source += 2 * stride;
    out += 2 * outStride;
  }
}

/**
 * Resamples columns into `rows` rows of `bytes` bytes, of which those of the source are `stride` bytes apart. It takes 8 bytes
 * at a time, so that the last ones written of a row may reach into the next.
 */
export function resampleColumns(
  source: usize, stride: usize, bytes: usize, table: usize, rows: u32, out: usize,
): void {
  for (; rows > 0; rows--) {
    let entry: usize = 0;
    for (let block: usize = 0; block < bytes; block += 8) {
      entry = table;
      let at = source + block + load<u32>(entry);
      let pairs = load<u32>(entry, 4);
      entry += 8;
      let highLeft = i32x4.splat(0);
      let highRight = i32x4.splat(0);
      let lowLeft = i32x4.splat(half);
      let lowRight = i32x4.splat(half);
      do {
        // a0 .. a7 of one row and b0 .. b7 of the next -> a0 b0 a1 b1 ..
        const both = v128.shuffle<u8>(
          v128.load64_zero(at), v128.load64_zero(at + stride), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
        );
        const high = v128.load_splat<u32>(entry);
        const low = v128.load_splat<u32>(entry, 4);
        const left = i16x8.extend_low_i8x16_u(both);
        const right = i16x8.extend_high_i8x16_u(both);
        highLeft = i32x4.add(highLeft, i32x4.dot_i16x8_s(left, high));
        lowLeft = i32x4.add(lowLeft, i32x4.dot_i16x8_s(left, low));
        highRight = i32x4.add(highRight, i32x4.dot_i16x8_s(right, high));
        lowRight = i32x4.add(lowRight, i32x4.dot_i16x8_s(right, low));
        at += 2 * stride;
        entry += 8;
      } while (--pairs > 0);
      const eight = narrow(highLeft, lowLeft, highRight, lowRight);
      v128.store_lane<u64>(out + block, i8x16.narrow_i16x8_u(eight, eight), 0);
    }
    table = entry;
    out += bytes;
  }
}
