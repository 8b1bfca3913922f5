type Colour = [number, number, number];

const extension = 0x21;
const graphicControl = 0xf9;
const imageDescriptor = 0x2c;

/**
 * The palette colour of a GIF's transparent pixels in its first frame, which Pillow shows when alpha is dropped and
 * libvips does not tell. Reads block headers only; where the file ends early, black.
 */
export function transparentColour(bytes: Uint8Array): Colour {
  const byte = (at: number) => bytes[at] ?? 0;
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + tableBytes(byte(10)); // behind the header and the global palette
  let transparent = 0;
  while (byte(at) === extension) {
    if (byte(at + 1) === graphicControl && byte(at + 3) & 1) transparent = byte(at + 6);
    at += 2;
    while (byte(at) !== 0) at += 1 + byte(at); // sub-blocks: length, data; a length of 0 ends them
    at += 1;
  }
  const flags = byte(at + 9);
  const hasOwnPalette = byte(at) === imageDescriptor && tableBytes(flags) > 0;
  const entry = (hasOwnPalette ? at + 10 : 13) + transparent * 3;
  return [byte(entry), byte(entry + 1), byte(entry + 2)];
}
