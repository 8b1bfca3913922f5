import { EncoderError } from "../errors.ts";
import { firstValue } from "./tiff.ts";
import { type Directory, readDirectories } from "./tiff-directory.ts";

const tags = {
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  orientation: 274,
  stripByteCounts: 279,
  jpegOffset: 513,
  jpegLength: 514,
  dngVersion: 50706,
};
/** A camera's sensor sees through a mosaic of colour filters; some cameras make the same linear. */
const sensorColours = [32803, 34892];
const jpegCompressions = [6, 7];
/** A preview whose longer side is smaller is a thumbnail. */
const leastPreviewSide = 512;

/** A camera put this JPEG into its raw file, whose orientation (EXIF's, 1 to 8) says how it is to be turned. */
export interface Preview {
  jpeg: Uint8Array;
  orientation: number | undefined;
}

/**
 * Finds the largest JPEG inside a camera's raw file (DNG, CR2, NEF, ARW, PEF and others that are TIFF).
 * @returns undefined for other TIFF.
 * @throws EncoderError IMAGE_UNSUPPORTED for a raw file without a preview of a useful size.
 */
export function findPreview(file: Uint8Array): Preview | undefined {
  const { directories } = readDirectories(file);
  const isCanon = file[8] === 0x43 && file[9] === 0x52; // "CR"
  const isRaw = isCanon || directories.some((it) => it.has(tags.dngVersion) || isOfSensor(it));
  if (!isRaw) return undefined;
  const jpegs = directories.flatMap((directory) => jpegsOf(directory, file));
  const sized = jpegs.map((jpeg) => ({ jpeg, ...jpegSize(jpeg) }));
  const largest = sized.reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a), {
    jpeg: new Uint8Array(),
    width: 0,
    height: 0,
  });
  if (Math.max(largest.width, largest.height) < leastPreviewSide) {
    const found = largest.width > 0 ? `one of ${largest.width} x ${largest.height}` : "none";
    const expected = `Expected a raw camera file with a JPEG preview of at least ${leastPreviewSide} pixels`;
    throw new EncoderError("IMAGE_UNSUPPORTED", `${expected}, found ${found}; send a JPEG of it.`);
  }
  return { jpeg: largest.jpeg, orientation: firstValue(directories[0]!, tags.orientation) };
}

function isOfSensor(directory: Directory): boolean {
  return sensorColours.includes(firstValue(directory, tags.photometric) ?? -1);
}

/** A JPEG lies where its own tags say, or is the only strip of a picture that JPEG compressed. */
function jpegsOf(directory: Directory, file: Uint8Array): Uint8Array[] {
  const value = (tag: number) => firstValue(directory, tag) ?? 0;
  const isJpeg = jpegCompressions.includes(value(tags.compression));
  const strips = isJpeg && directory.get(tags.stripOffsets)?.values.length === 1;
  const places = [
    [value(tags.jpegOffset), value(tags.jpegLength)],
    ...(strips ? [[value(tags.stripOffsets), value(tags.stripByteCounts)]] : []),
  ];
  return places
    .map(([offset, length]) => file.subarray(offset, offset! + length!))
    .filter((jpeg) => jpeg[0] === 0xff && jpeg[1] === 0xd8 && jpeg[2] === 0xff);
}

/** Reads the frame header; kinds that are not for looking at, such as sensor data's lossless JPEG, give 0 x 0. */
function jpegSize(jpeg: Uint8Array): { width: number; height: number } {
  const [baseline, extended, progressive] = [0xc0, 0xc1, 0xc2];
  const word = (at: number) => (jpeg[at] ?? 0) * 256 + (jpeg[at + 1] ?? 0);
  for (let at = 2; at + 9 < jpeg.length && jpeg[at] === 0xff; at += 2 + word(at + 2)) {
    const marker = jpeg[at + 1]!;
    const isFrame = marker === baseline || marker === extended || marker === progressive;
    if (isFrame && jpeg[at + 4] === 8) return { width: word(at + 7), height: word(at + 5) };
    if (isFrame || (marker >= 0xc3 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))) break;
  }
  return { width: 0, height: 0 };
}
