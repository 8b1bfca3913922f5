import { EncoderError } from "../errors.ts";

const tags = { compression: 259, photometric: 262 };
const ycbcr = 6;
/** White is zero, black is zero, RGB, palette, CMYK, Lab. */
const readColours = [0, 1, 2, 3, 5, 8];
/** JPEG, old and new, turns YCbCr into RGB itself. */
const jpegCompressions = [6, 7];

/**
 * What libvips does not look at, and would take for RGB or grey: other colours, such as YCbCr that is not JPEG's, and what
 * a camera's sensor saw. Where the file ends early, libvips will say so.
 * @throws EncoderError IMAGE_UNSUPPORTED
 */
export function requireReadColours(bytes: Uint8Array): void {
  const entries = firstDirectory(bytes);
  const colours = entries.get(tags.photometric);
  if (colours === undefined || readColours.includes(colours)) return;
  if (colours === ycbcr && jpegCompressions.includes(entries.get(tags.compression) ?? 0)) return;
  const message = "Expected a TIFF image in grey, RGB, CMYK, Lab or with a palette, received one in other colours.";
  throw new EncoderError("IMAGE_UNSUPPORTED", message, { internal: `photometric interpretation ${colours}` });
}

/** Tags of the first picture with their values, as far as those are numbers of 16 bits, which all that are asked for are. */
function firstDirectory(bytes: Uint8Array): Map<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49; // "II"
  const isBig = bytes[2] === 0x2b || bytes[3] === 0x2b; // BigTIFF: 43, where TIFF has 42
  const offset = (at: number) => (isBig ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const entryBytes = isBig ? 20 : 12;
  const valueAt = isBig ? 12 : 8;
  const found = new Map<number, number>();
  if (bytes.length < 16) return found;
  const start = offset(isBig ? 8 : 4) + (isBig ? 8 : 2);
  if (start > bytes.length) return found;
  const count = isBig ? offset(start - 8) : view.getUint16(start - 2, little);
  const whole = Math.floor((bytes.length - start) / entryBytes);
  for (let i = 0; i < Math.min(count, whole); i++) {
    const at = start + i * entryBytes;
    found.set(view.getUint16(at, little), view.getUint16(at + valueAt, little));
  }
  return found;
}
