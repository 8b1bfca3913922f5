/** Tells where the service differs from Pillow 13 on purpose; docs/models.md tells the same in words. */
export interface Difference {
  files: RegExp;
  outcome: "other pixels" | "refused" | "read";
  why: string;
}

export const differences: readonly Difference[] = [
  { files: /xmp-orientation|raw-profile-orientation/, outcome: "other pixels", why: "only EXIF turns a picture" },
  { files: /^png-exif-after-idat/, outcome: "other pixels", why: "EXIF counts where it stands before the pixels" },
  {
    files: /^png-grey-4-trns/,
    outcome: "other pixels",
    why: "Pillow compares the transparent shade before scaling it",
  },
  { files: /^png-bad-crc-idat/, outcome: "refused", why: "a wrong checksum is damage, unless LENIENT_IMAGES is on" },
  { files: /^gif-no-table/, outcome: "refused", why: "colours without a palette are anybody's guess" },
  { files: /^bmp-24-offset-(1|14|20|53)$/, outcome: "refused", why: "headers are no pixels" },
  { files: /^bmp-(4|8)-black-white/, outcome: "refused", why: "Pillow misreads the pixels" },
  {
    files: /^bmp-rle4-grey/,
    outcome: "refused",
    why: "a grey ramp of 16 steps, which Pillow reads with run lengths only",
  },
  {
    files: /^tiff-palette-8-low/,
    outcome: "other pixels",
    why: "a colour map of 8-bit values is scaled, as libtiff does",
  },
  { files: /^tiff-grey-16-inverted$/, outcome: "other pixels", why: "Pillow forgets that zero is white" },
  { files: /^tiff-lab-planar|^tiff-planar-16/, outcome: "other pixels", why: "Pillow misreads separate planes" },
  { files: /^tiff-(grey-12|.*-format-2-1)/, outcome: "refused", why: "12-bit and signed samples are not read" },
  { files: /^tiff-(cmyk|rgb)-extra-(00|000|100|200)/, outcome: "refused", why: "more than five samples a pixel" },
  { files: /^tiff-ycbcr/, outcome: "refused", why: "YCbCr is read where JPEG compressed it" },
  { files: /^tiff-pillow-.*(lzma|zstd)/, outcome: "refused", why: "libvips was built without these compressions" },
  { files: /^tiff-tiled-.*-planar/, outcome: "refused", why: "libvips does not read tiles of separate planes" },
  { files: /^tiff-no-photometric/, outcome: "refused", why: "a required field is missing" },
  { files: /^tiff-.*-be-big/, outcome: "read", why: "big-endian BigTIFF is TIFF" },
  { files: /^tiff-grey-(8-0-fill-2|16-inverted-be|32-be)$/, outcome: "read", why: "grey that Pillow has no mode for" },
  {
    files: /^tiff-.*-extra-/,
    outcome: "read",
    why: "extra samples are passed over, or alpha, whatever stands before them",
  },
];

const tolerances: readonly { files: RegExp; mean: number; why: string }[] = [
  { files: /^avif-/, mean: 0.75, why: "libheif and libavif round in other ways" },
  { files: /^avif-3x2/, mean: 1.5, why: "most of a picture so small is edge" },
  { files: /^heic-/, mean: 0.25, why: "libde265 is built for other processors" },
  { files: /^heic-4..-50/, mean: 1.5, why: "libde265 smooths block edges otherwise where there is much to smooth" },
  { files: /^tiff-lab/, mean: 0.5, why: "Little CMS computes with 8 bits in between" },
  { files: /^tiff-rgb-16-extra-1/, mean: 1.5, why: "alpha is divided out in 16 bits, not in 8" },
];

/** In mean grey levels; whatever has no entry is the same to the bit. The last entry that fits counts. */
export function toleranceOf(name: string): number {
  return tolerances.findLast(({ files }) => files.test(name))?.mean ?? 0;
}
