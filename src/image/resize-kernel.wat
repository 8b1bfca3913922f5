;; The two passes of the resize in resize.ts, which describes the table that both walk through. A weight of 22 bits is
;; cut into high * 2^11 + low, so that i32x4.dot_i16x8_s sums two weighted pixels for four channels at a time, exactly.
(module
  (memory (export "memory") 1)

  ;; Pixels are 3 bytes; each row is `stride` bytes after the one before, each output row `outStride`. Rows go two at a
  ;; time, since they share the weights: of an odd number of `rows`, one more is read and written. An output row must
  ;; leave room for one byte behind its pixels.
  (func (export "resampleRows")
    (param $source i32) (param $stride i32) (param $rows i32)
    (param $table i32) (param $columns i32)
    (param $out i32) (param $outStride i32)
    (local $entry i32) (local $column i32) (local $pairs i32) (local $at i32) (local $to i32)
    (local $high v128) (local $low v128) (local $upper v128) (local $lower v128)
    (local $highUpper v128) (local $lowUpper v128) (local $highLower v128) (local $lowLower v128)
    (loop $twoRows
      (local.set $entry (local.get $table))
      (local.set $column (local.get $columns))
      (local.set $to (local.get $out))
      (loop $pixel
        (local.set $at (i32.add (local.get $source) (i32.load (local.get $entry))))
        (local.set $pairs (i32.load offset=4 (local.get $entry)))
        (local.set $entry (i32.add (local.get $entry) (i32.const 8)))
        (local.set $highUpper (v128.const i32x4 0 0 0 0))
        (local.set $highLower (v128.const i32x4 0 0 0 0))
        (local.set $lowUpper (v128.const i32x4 0x200000 0x200000 0x200000 0x200000)) ;; one half
        (local.set $lowLower (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (loop $pair
          ;; r0 g0 b0 r1 g1 b1 as bytes -> r0 r1 g0 g1 b0 b1 as 16 bits; the fourth channel stays 0
          (local.set $upper
            (i8x16.swizzle (v128.load64_zero (local.get $at))
              (v128.const i8x16 0 -1 3 -1 1 -1 4 -1 2 -1 5 -1 -1 -1 -1 -1)))
          (local.set $lower
            (i8x16.swizzle (v128.load64_zero (i32.add (local.get $at) (local.get $stride)))
              (v128.const i8x16 0 -1 3 -1 1 -1 4 -1 2 -1 5 -1 -1 -1 -1 -1)))
          (local.set $high (v128.load32_splat (local.get $entry)))
          (local.set $low (v128.load32_splat offset=4 (local.get $entry)))
          (local.set $highUpper
            (i32x4.add (local.get $highUpper) (i32x4.dot_i16x8_s (local.get $upper) (local.get $high))))
          (local.set $lowUpper
            (i32x4.add (local.get $lowUpper) (i32x4.dot_i16x8_s (local.get $upper) (local.get $low))))
          (local.set $highLower
            (i32x4.add (local.get $highLower) (i32x4.dot_i16x8_s (local.get $lower) (local.get $high))))
          (local.set $lowLower
            (i32x4.add (local.get $lowLower) (i32x4.dot_i16x8_s (local.get $lower) (local.get $low))))
          (local.set $at (i32.add (local.get $at) (i32.const 6)))
          (local.set $entry (i32.add (local.get $entry) (i32.const 8)))
          (br_if $pair (local.tee $pairs (i32.sub (local.get $pairs) (i32.const 1)))))
        ;; Both sums >> 22, clamped to 0 .. 255 by the narrowing. The fourth byte written is the next pixel's first.
        (local.set $high
          (i16x8.narrow_i32x4_s
            (i32x4.shr_s
              (i32x4.add (i32x4.shl (local.get $highUpper) (i32.const 11)) (local.get $lowUpper)) (i32.const 22))
            (i32x4.shr_s
              (i32x4.add (i32x4.shl (local.get $highLower) (i32.const 11)) (local.get $lowLower)) (i32.const 22))))
        (local.set $high (i8x16.narrow_i16x8_u (local.get $high) (local.get $high)))
        (v128.store32_lane 0 (local.get $to) (local.get $high))
        (v128.store32_lane 1 (i32.add (local.get $to) (local.get $outStride)) (local.get $high))
        (local.set $to (i32.add (local.get $to) (i32.const 3)))
        (br_if $pixel (local.tee $column (i32.sub (local.get $column) (i32.const 1)))))
      (local.set $source (i32.add (local.get $source) (i32.shl (local.get $stride) (i32.const 1))))
      (local.set $out (i32.add (local.get $out) (i32.shl (local.get $outStride) (i32.const 1))))
      (br_if $twoRows (i32.gt_s (local.tee $rows (i32.sub (local.get $rows) (i32.const 2))) (i32.const 0)))))

  ;; Rows of `bytes` bytes, those of the source `stride` bytes apart, go 8 bytes at a time; the last block written of a
  ;; row may reach into the next.
  (func (export "resampleColumns")
    (param $source i32) (param $stride i32) (param $bytes i32)
    (param $table i32) (param $rows i32)
    (param $out i32)
    (local $entry i32) (local $block i32) (local $pairs i32) (local $at i32)
    (local $high0 v128) (local $low0 v128) (local $high1 v128) (local $low1 v128)
    (local $both v128) (local $four v128) (local $weights0 v128) (local $weights1 v128)
    (loop $row
      (local.set $block (i32.const 0))
      (loop $blocks
        (local.set $entry (local.get $table))
        (local.set $at
          (i32.add (local.get $block) (i32.add (local.get $source) (i32.load (local.get $entry)))))
        (local.set $pairs (i32.load offset=4 (local.get $entry)))
        (local.set $entry (i32.add (local.get $entry) (i32.const 8)))
        (local.set $high0 (v128.const i32x4 0 0 0 0))
        (local.set $high1 (v128.const i32x4 0 0 0 0))
        (local.set $low0 (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $low1 (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (loop $pair
          ;; a0 .. a7 of one row and b0 .. b7 of the next -> a0 b0 a1 b1 ..
          (local.set $both
            (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23
              (v128.load64_zero (local.get $at))
              (v128.load64_zero (i32.add (local.get $at) (local.get $stride)))))
          (local.set $weights1 (v128.load32_splat (local.get $entry)))
          (local.set $weights0 (v128.load32_splat offset=4 (local.get $entry)))
          (local.set $four (i16x8.extend_low_i8x16_u (local.get $both)))
          (local.set $high0 (i32x4.add (local.get $high0) (i32x4.dot_i16x8_s (local.get $four) (local.get $weights1))))
          (local.set $low0 (i32x4.add (local.get $low0) (i32x4.dot_i16x8_s (local.get $four) (local.get $weights0))))
          (local.set $four (i16x8.extend_high_i8x16_u (local.get $both)))
          (local.set $high1 (i32x4.add (local.get $high1) (i32x4.dot_i16x8_s (local.get $four) (local.get $weights1))))
          (local.set $low1 (i32x4.add (local.get $low1) (i32x4.dot_i16x8_s (local.get $four) (local.get $weights0))))
          (local.set $at (i32.add (local.get $at) (i32.shl (local.get $stride) (i32.const 1))))
          (local.set $entry (i32.add (local.get $entry) (i32.const 8)))
          (br_if $pair (local.tee $pairs (i32.sub (local.get $pairs) (i32.const 1)))))
        (local.set $four
          (i16x8.narrow_i32x4_s
            (i32x4.shr_s
              (i32x4.add (i32x4.shl (local.get $high0) (i32.const 11)) (local.get $low0)) (i32.const 22))
            (i32x4.shr_s
              (i32x4.add (i32x4.shl (local.get $high1) (i32.const 11)) (local.get $low1)) (i32.const 22))))
        (v128.store64_lane 0 (i32.add (local.get $out) (local.get $block))
          (i8x16.narrow_i16x8_u (local.get $four) (local.get $four)))
        (local.set $block (i32.add (local.get $block) (i32.const 8)))
        (br_if $blocks (i32.lt_u (local.get $block) (local.get $bytes))))
      (local.set $table (local.get $entry))
      (local.set $out (i32.add (local.get $out) (local.get $bytes)))
      (br_if $row (local.tee $rows (i32.sub (local.get $rows) (i32.const 1))))))
)
