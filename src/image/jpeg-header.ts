import { readDirectories } from "./tiff-directory.ts";

/** Is a picture whose one scan jpeg-kernel.as decodes: sequential, by Huffman's codes, grey or Y Cb Cr. */
export interface SequentialJpeg {
  /** Those before the picture is turned by EXIF's orientation, 1 to 8. */
  width: number;
  height: number;
  orientation: number;
  /** Blocks of brightness in a unit, which has one of each colour. */
  blocksAcross: number;
  blocksDown: number;
  /** One is grey, three are Y Cb Cr. */
  components: readonly Component[];
  /** Units from one restart to the next; 0 where there are none. */
  restartUnits: number;
  /** Where the scan begins. */
  scanAt: number;
}

interface Component {
  /** 64 bytes, in the order of the file. */
  divisors: Uint8Array;
  /** Numbers of codes, by length, and symbols. */
  meanCodes: Uint8Array;
  codes: Uint8Array;
}

const markers = { frame: 0xc0, huffmanFrame: 0xc1, progressive: 0xc2, codes: 0xc4, scan: 0xda, divisors: 0xdb };
const [restartInterval, application, adobe, comment] = [0xdd, 0xe0, 0xee, 0xfe];
const exif = 0xe1;

/** Frames of the sequential and progressive kinds that libjpeg reads by Huffman's codes. */
const commonFrames: readonly number[] = [markers.frame, markers.huffmanFrame, markers.progressive];

interface Segment {
  marker: number;
  /** Without its length. */
  bytes: Uint8Array;
  end: number;
}

const word = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;

/** Lists segments up to the first scan, as long as they are in the best of order. */
function* segmentsOf(file: Uint8Array): Generator<Segment> {
  const headBytes = 4;
  if (file[0] !== 0xff || file[1] !== 0xd8) return;
  for (let at = 2; at + headBytes <= file.length && file[at] === 0xff; ) {
    const marker = file[at + 1]!;
    const end = at + 2 + word(file, at + 2);
    if (!mayComeBeforeScan(marker) || end < at + headBytes || end > file.length) return;
    yield { marker, bytes: file.subarray(at + headBytes, end), end };
    if (marker === markers.scan) return;
    at = end;
  }
}

function mayComeBeforeScan(marker: number): boolean {
  if (marker >= application && marker <= application + 15) return true;
  return [...Object.values(markers), restartInterval, comment].includes(marker);
}

/**
 * Reads the size, not turned upright, of a JPEG of 8 bits that is grey or of three colours, as nearly all are. A file that
 * is anything else, or is not in the best of order up to there, has none: libvips is to be asked about it.
 */
export function plainJpegSize(file: Uint8Array): { width: number; height: number } | undefined {
  for (const { marker, bytes } of segmentsOf(file)) if (commonFrames.includes(marker)) return sizeOf(bytes);
  return undefined;
}

function sizeOf(frame: Uint8Array): { width: number; height: number } | undefined {
  const [bits, height, width, components] = [frame[0], word(frame, 1), word(frame, 3), frame[5]];
  const isPlain = bits === 8 && (components === 1 || components === 3) && width > 0 && height > 0;
  return isPlain ? { width, height } : undefined;
}

/** @returns undefined for any other JPEG, and where something in the headers is unusual */
export function readSequentialJpeg(file: Uint8Array): SequentialJpeg | undefined {
  const segments = [...segmentsOf(file)];
  const all = (wanted: number) => segments.filter(({ marker }) => marker === wanted).map(({ bytes }) => bytes);
  const frames = segments.filter(({ marker }) => commonFrames.includes(marker));
  const [frame, scan] = [frames[0], segments.at(-1)];
  if (frames.length !== 1 || frame!.marker === markers.progressive || scan?.marker !== markers.scan) return undefined;
  const orientation = orientationOf(all(exif));
  if (orientation === undefined || !all(adobe).every(isYCbCr)) return undefined;
  if (!all(restartInterval).every((bytes) => bytes.length === 2)) return undefined;

  const size = sizeOf(frame!.bytes);
  const layout = size && layoutOf(frame!.bytes, scan.bytes);
  const divisors = tablesOf(all(markers.divisors), () => 64);
  const codes = tablesOf(
    all(markers.codes),
    (table) => 16 + table.subarray(0, 16).reduce((sum, count) => sum + count, 0),
  );
  if (!size || !layout || !divisors || !codes) return undefined;
  const components = layout.ids.map((ids) => ({
    divisors: divisors.get(ids.divisors),
    meanCodes: codes.get(ids.meanCodes),
    codes: codes.get(ids.codes),
  }));
  if (!components.every(isWhole)) return undefined;
  const restarts = all(restartInterval).at(-1);
  return {
    ...size,
    orientation,
    ...layout,
    components,
    restartUnits: restarts ? word(restarts, 0) : 0,
    scanAt: scan.end,
  };
}

const isWhole = (component: { [Key in keyof Component]: Component[Key] | undefined }): component is Component =>
  Object.values(component).every((part) => part !== undefined);

/** Components in their usual order, with colours at the whole resolution, half of it across, or half of it both ways. */
function layoutOf(frame: Uint8Array, scan: Uint8Array) {
  const count = frame[5]!;
  if (frame.length !== 6 + 3 * count || scan.length !== 4 + 2 * count || scan[0] !== count) return undefined;
  if (scan[1 + 2 * count] !== 0 || scan[2 + 2 * count] !== 63 || scan[3 + 2 * count] !== 0) return undefined;
  const ids = [];
  const factors = [];
  for (let i = 0; i < count; i++) {
    const [id, factor, table] = frame.subarray(6 + 3 * i);
    const [scanId, codes] = scan.subarray(1 + 2 * i);
    if (scanId !== id || (count === 3 && id !== i + 1)) return undefined; // other numbers may mean R G B
    factors.push(factor!);
    ids.push({ divisors: table!, meanCodes: codes! >> 4, codes: 0x10 | (codes! & 15) });
  }
  if (count === 1) return isFactor(factors[0]!) ? { ids, blocksAcross: 1, blocksDown: 1 } : undefined;
  const isKnown = [0x11, 0x21, 0x22].includes(factors[0]!) && factors[1] === 0x11 && factors[2] === 0x11;
  return isKnown ? { ids, blocksAcross: factors[0]! >> 4, blocksDown: factors[0]! & 15 } : undefined;
}

const isFactor = (pair: number) => [pair >> 4, pair & 15].every((factor) => factor >= 1 && factor <= 4);

/**
 * Reads tables by their kind and number, of which later ones count.
 * @returns undefined where one is too short, or has numbers of 16 bits
 */
function tablesOf(segments: readonly Uint8Array[], lengthOf: (table: Uint8Array) => number) {
  const tables = new Map<number, Uint8Array>();
  for (let bytes of segments) {
    while (bytes.length > 0) {
      const id = bytes[0]!;
      const end = 1 + lengthOf(bytes.subarray(1));
      if (end > bytes.length || (id & 0xf) > 3 || id > 0x13) return undefined;
      tables.set(id, bytes.subarray(1, end));
      bytes = bytes.subarray(end);
    }
  }
  return tables;
}

function isYCbCr(segment: Uint8Array): boolean {
  return Buffer.from(segment).toString("latin1", 0, 5) !== "Adobe" || segment[11] === 1;
}

const orientationTag = 274;

/** @returns undefined where several segments, or one that cannot be read, might tell how a picture lies */
function orientationOf(segments: readonly Uint8Array[]): number | undefined {
  const found = segments.filter((segment) => Buffer.from(segment).toString("latin1", 0, 4) === "Exif");
  const [exif] = found;
  if (!exif) return 1;
  const [first] = readDirectories(exif.subarray(6)).directories;
  if (found.length > 1 || !first) return undefined;
  const entry = first.get(orientationTag);
  const [orientation] = entry ? entry.values : [1];
  return orientation !== undefined && orientation >= 1 && orientation <= 8 ? orientation : undefined;
}
