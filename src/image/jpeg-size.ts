/** Frames of the sequential and progressive kinds that libjpeg reads by Huffman's codes. */
const commonFrames = [0xc0, 0xc1, 0xc2];

/** Other segments that may come before the frame: tables, the interval of restarts, application data, comments. */
const comesBefore = (marker: number) =>
  marker === 0xc4 || marker === 0xdb || marker === 0xdd || (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;

/**
 * Reads the size, not turned upright, of a JPEG of 8 bits that is grey or of three colours, as nearly all are. A file that
 * is anything else, or is not in the best of order up to there, has none: libvips is to be asked about it.
 */
export function plainJpegSize(file: Uint8Array): { width: number; height: number } | undefined {
  const word = (at: number) => (file[at]! << 8) | file[at + 1]!;
  const frameBytes = 10;
  for (let at = 2; at + frameBytes <= file.length && file[at] === 0xff; at += 2 + word(at + 2)) {
    const marker = file[at + 1]!;
    if (comesBefore(marker)) continue;
    if (!commonFrames.includes(marker)) return undefined;
    const [bits, height, width, components] = [file[at + 4], word(at + 5), word(at + 7), file[at + 9]];
    const isPlain = bits === 8 && (components === 1 || components === 3) && width > 0 && height > 0;
    return isPlain ? { width, height } : undefined;
  }
  return undefined;
}
