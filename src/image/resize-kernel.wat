;; The two passes of the resize in resize.ts, which describes the table that both walk through. A weight of 22 bits is
;; cut into high * 2^11 + low, so that i32x4.dot_i16x8_s sums two weighted pixels for four channels at a time, exactly.
(module
  (memory (export "memory") 1)

  ;; Pixels are 3 bytes; each of `rows` rows is `stride` bytes after the one before, each output row `outStride`.
  (func (export "resampleRows")
    (param $source i32) (param $stride i32) (param $rows i32)
    (param $table i32) (param $columns i32)
    (param $out i32) (param $outStride i32)
    (local $entry i32) (local $column i32) (local $pairs i32) (local $at i32) (local $to i32)
    (local $high v128) (local $low v128) (local $pixels v128)
    (loop $row
      (local.set $entry (local.get $table))
      (local.set $column (local.get $columns))
      (local.set $to (local.get $out))
      (loop $pixel
        (local.set $at (i32.add (local.get $source) (i32.load (local.get $entry))))
        (local.set $pairs (i32.load offset=4 (local.get $entry)))
        (local.set $entry (i32.add (local.get $entry) (i32.const 8)))
        (local.set $high (v128.const i32x4 0 0 0 0))
        (local.set $low (v128.const i32x4 0x200000 0x200000 0x200000 0x200000)) ;; one half
        (loop $pair
          ;; r0 g0 b0 r1 g1 b1 as bytes -> r0 r1 g0 g1 b0 b1 as 16 bits; the fourth channel stays 0
          (local.set $pixels
            (i8x16.swizzle (v128.load64_zero (local.get $at))
              (v128.const i8x16 0 -1 3 -1 1 -1 4 -1 2 -1 5 -1 -1 -1 -1 -1)))
          (local.set $high (i32x4.add (local.get $high)
            (i32x4.dot_i16x8_s (local.get $pixels) (v128.load32_splat (local.get $entry)))))
          (local.set $low (i32x4.add (local.get $low)
            (i32x4.dot_i16x8_s (local.get $pixels) (v128.load32_splat offset=4 (local.get $entry)))))
          (local.set $at (i32.add (local.get $at) (i32.const 6)))
          (local.set $entry (i32.add (local.get $entry) (i32.const 8)))
          (br_if $pair (local.tee $pairs (i32.sub (local.get $pairs) (i32.const 1)))))
        ;; the fourth byte written is the next pixel's first
        (v128.store32_lane 0 (local.get $to)
          (call $toBytes (call $rounded (local.get $high) (local.get $low)) (v128.const i32x4 0 0 0 0)))
        (local.set $to (i32.add (local.get $to) (i32.const 3)))
        (br_if $pixel (local.tee $column (i32.sub (local.get $column) (i32.const 1)))))
      (local.set $source (i32.add (local.get $source) (local.get $stride)))
      (local.set $out (i32.add (local.get $out) (local.get $outStride)))
      (br_if $row (local.tee $rows (i32.sub (local.get $rows) (i32.const 1))))))

  ;; Rows of `stride` bytes in and out, 8 bytes at a time; the last block of a row may reach into the next.
  (func (export "resampleColumns")
    (param $source i32) (param $stride i32)
    (param $table i32) (param $rows i32)
    (param $out i32)
    (local $entry i32) (local $block i32) (local $pairs i32) (local $at i32)
    (local $high0 v128) (local $low0 v128) (local $high1 v128) (local $low1 v128)
    (local $both v128) (local $four v128) (local $weights0 v128) (local $weights1 v128)
    (loop $row
      (local.set $block (i32.const 0))
      (loop $bytes
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
        (v128.store64_lane 0 (i32.add (local.get $out) (local.get $block))
          (call $toBytes
            (call $rounded (local.get $high0) (local.get $low0))
            (call $rounded (local.get $high1) (local.get $low1))))
        (local.set $block (i32.add (local.get $block) (i32.const 8)))
        (br_if $bytes (i32.lt_u (local.get $block) (local.get $stride))))
      (local.set $table (local.get $entry))
      (local.set $out (i32.add (local.get $out) (local.get $stride)))
      (br_if $row (local.tee $rows (i32.sub (local.get $rows) (i32.const 1))))))

  (func $rounded (param $high v128) (param $low v128) (result v128)
    (i32x4.shr_s
      (i32x4.add (i32x4.shl (local.get $high) (i32.const 11)) (local.get $low))
      (i32.const 22)))

  ;; Eight sums to the lowest eight bytes, clamped to 0 .. 255.
  (func $toBytes (param $first v128) (param $second v128) (result v128)
    (local $words v128)
    (local.set $words (i16x8.narrow_i32x4_s (local.get $first) (local.get $second)))
    (i8x16.narrow_i16x8_u (local.get $words) (local.get $words)))
)
