const endings =
  /\.(jpe?g|jpe|jfif|png|webp|gif|avif|tiff?|bmp|hei[cf]|jxl|svg|dng|cr[23]|nef|arw|orf|rw2|raf|pef|srw)$/i;

/** Tells whether a file of this name is meant as a picture, even one of a format that is refused with a sentence. */
export function isPictureName(path: string): boolean {
  return endings.test(path);
}
