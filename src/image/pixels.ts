/** Holds a square RGB picture for the tower: `data` holds size * size * 3 bytes, rows top down, R G B interleaved. */
export interface Pixels {
  data: Uint8Array;
  size: number;
  /** True where the file was damaged or ended early, and this is what there is of it. */
  incomplete?: boolean;
}

/** Names Pillow's filters. */
export type Resample = "nearest" | "lanczos" | "bilinear" | "bicubic" | "box" | "hamming";

/** Says how a model wants its pictures. */
export interface PixelSpec {
  /** Side of the square, in pixels (centre crop). */
  size: number;
  /** The shortest side is resized to this before the crop. */
  resize: number;
  /** "squash" resizes both sides to `size` instead, and crops nothing. The default is "cover". */
  fit?: "cover" | "squash" | undefined;
  /** The default is "bicubic". */
  resample?: Resample | undefined;
  /** RGB put behind transparent pictures; null drops alpha as the reference does. */
  background: readonly [number, number, number] | null;
}
