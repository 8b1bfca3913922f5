import type { Manifest } from "../model/manifest.ts";

/** Holds a square RGB picture for the tower: `data` holds size * size * 3 bytes, rows top down, R G B interleaved. */
export interface Pixels {
  data: Uint8Array;
  size: number;
  /** True where the file was damaged or ended early, and this is what there is of it. */
  incomplete?: boolean;
}

/** Is a picture for the tower: as pixels, or as a file that isSmallJpeg() tells of, whose pixels the engine makes. */
export type Picture = Pixels | { file: Uint8Array };

/** Counts the bytes of a picture that is so many pixels wide and high. */
export const pixelBytes = (size: number) => size * size * 3;

/** Names Pillow's filters. */
export type Resample = Manifest["image"]["resample"];

/** Says how a model wants its pictures; the manifest explains the keys. The defaults are "cover" and "bicubic". */
export type PixelSpec = Pick<Manifest["image"], "size" | "resize"> &
  Partial<Pick<Manifest["image"], "fit" | "resample">> & { background: readonly [number, number, number] | null };
