/** Is a picture whose scans jpeg-kernel.as decodes: by Huffman's codes, of 8 bits, grey or Y Cb Cr. */
export interface Jpeg {
  /** Those before the picture is turned by EXIF's orientation, 1 to 8. */
  width: number;
  height: number;
  orientation: number;
  isProgressive: boolean;
  /** Blocks of brightness in a unit, which has one of each colour. */
  blocksAcross: number;
  blocksDown: number;
  /** For each component, which is grey alone or Y, Cb and Cr: 64 bytes, in the order of the file. */
  divisors: readonly Uint8Array[];
  firstScan: Scan;
  /** Reads up to the next scan, from the marker that ended the last one on. */
  nextScan(at: number): Scan | undefined;
}

/** Tells what a scan has: of these components the coefficients `first` to `last`, down to the bit left of `low`. */
export interface Scan {
  /** Where it begins. */
  at: number;
  components: readonly ScanComponent[];
  first: number;
  last: number;
  /** Is the bit down to which an earlier scan told them; 0 for none. */
  high: number;
  low: number;
  /** Units from one restart to the next; 0 where there are none. */
  restartUnits: number;
}

/** A block has so many samples across and down. */
export const blockSide = 8;

interface ScanComponent {
  index: number;
  /** Numbers of codes, by length, and symbols: those of means, and those of other coefficients. */
  meanCodes: Uint8Array | undefined;
  codes: Uint8Array | undefined;
}

const markers = { frame: 0xc0, huffmanFrame: 0xc1, progressive: 0xc2, codes: 0xc4, scan: 0xda, divisors: 0xdb };
const [restartInterval, application, exif, adobe, comment] = [0xdd, 0xe0, 0xe1, 0xee, 0xfe];

/** Frames of the sequential and progressive kinds that libjpeg reads by Huffman's codes. */
const frames: readonly number[] = [markers.frame, markers.huffmanFrame, markers.progressive];

interface Segment {
  marker: number;
  /** Without its length. */
  bytes: Uint8Array;
  end: number;
}

const word = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;

/** A profile of 5 MB takes 80 segments. Each is an object for a moment, of which a file could make millions. */
const mostSegments = 1000;

/** Lists segments up to the next scan, as long as they are in the best of order. */
function* segmentsOf(file: Uint8Array, start = 2): Generator<Segment> {
  const headBytes = 4;
  if (file[0] !== 0xff || file[1] !== 0xd8) return;
  let at = start;
  for (let count = 0; count < mostSegments && at + headBytes <= file.length && file[at] === 0xff; count++) {
    const marker = file[at + 1]!;
    const end = at + 2 + word(file, at + 2);
    if (!isKnown(marker) || end < at + headBytes || end > file.length) return;
    yield { marker, bytes: file.subarray(at + headBytes, end), end };
    if (marker === markers.scan) return;
    at = end;
  }
}

function isKnown(marker: number): boolean {
  if (marker >= application && marker <= application + 15) return true;
  return marker === restartInterval || marker === comment || Object.values(markers).includes(marker);
}

/**
 * Reads the size, not turned upright, of a JPEG of 8 bits that is grey or of three colours, as nearly all are. A file that
 * is anything else, or is not in the best of order up to there, has none: libvips is to be asked about it.
 */
export function readJpegFrame(file: Uint8Array): JpegFrame | undefined {
  const before: Segment[] = [];
  for (const segment of segmentsOf(file)) {
    const { marker, bytes } = segment;
    if (!frames.includes(marker)) {
      before.push(segment);
      continue;
    }
    const size = sizeOf(bytes);
    const isPlain = layoutOf(bytes) !== undefined && orientationIn(before) !== undefined;
    return size && { ...size, isPlain, isProgressive: marker === markers.progressive };
  }
  return undefined;
}

export interface JpegFrame {
  width: number;
  height: number;
  /** Up to there, nothing forbids that `readJpegHeader` reads it. */
  isPlain: boolean;
  isProgressive: boolean;
}

function sizeOf(frame: Uint8Array): { width: number; height: number } | undefined {
  const [bits, height, width, components] = [frame[0], word(frame, 1), word(frame, 3), frame[5]];
  const isPlain = bits === 8 && (components === 1 || components === 3);
  return isPlain && isSide(width) && isSide(height) ? { width, height } : undefined;
}

/** Tells whether libjpeg reads pictures that are so wide or high. */
const isSide = (pixels: number) => pixels > 0 && pixels <= 65500;

/** @returns undefined for any other JPEG, and where something in the headers is unusual */
export function readJpegHeader(file: Uint8Array): Jpeg | undefined {
  const tables: Tables = { divisors: new Map(), codes: new Map(), restartUnits: 0 };
  const all = [...segmentsOf(file)];
  const framed = all.filter(({ marker }) => frames.includes(marker));
  const [frame] = framed;
  const size = frame && sizeOf(frame.bytes);
  const layout = size && layoutOf(frame.bytes);
  if (!size || !layout || framed.length > 1) return undefined;

  const orientation = orientationIn(all);
  if (orientation === undefined) return undefined;

  const scanIn = (segments: Iterable<Segment>) => readScan(segments, tables, layout.ids);
  const firstScan = scanIn(all);
  const divisors = layout.tables.map((id) => tables.divisors.get(id));
  if (!firstScan || !divisors.every((table) => table !== undefined) || divisors.some(hasZero)) return undefined;
  const { blocksAcross, blocksDown } = layout;
  const isProgressive = frame.marker === markers.progressive;
  const nextScan = (at: number) => {
    const segments = [...segmentsOf(file, at)];
    const isUsual = segments.every(({ marker }) => ![...frames, markers.divisors].includes(marker));
    return isUsual ? scanIn(segments) : undefined;
  };
  return { ...size, orientation, isProgressive, blocksAcross, blocksDown, divisors, firstScan, nextScan };
}

/** Numbers that were divided by 0 mean nothing. */
const hasZero = (divisors: Uint8Array) => divisors.includes(0);

interface Tables {
  divisors: Map<number, Uint8Array>;
  codes: Map<number, Uint8Array>;
  restartUnits: number;
}

/** Reads segments, whose tables count for this scan and for those that follow. */
function readScan(segments: Iterable<Segment>, tables: Tables, ids: readonly number[]): Scan | undefined {
  for (const { marker, bytes, end } of segments) {
    if (marker === markers.scan) return scanOf(bytes, tables, { ids, at: end });
    if (marker === markers.divisors && !addTables(tables.divisors, bytes, divisorTables)) return undefined;
    if (marker === markers.codes && !addTables(tables.codes, bytes, codeTables)) return undefined;
    if (marker !== restartInterval) continue;
    if (bytes.length !== 2) return undefined;
    tables.restartUnits = word(bytes, 0);
  }
  return undefined;
}

interface TableKind {
  ids: readonly number[];
  mostBytes: number;
  lengthOf(table: Uint8Array): number;
}

/** Other numbers are those of divisors of 16 bits. */
const divisorTables: TableKind = { ids: [0, 1, 2, 3], mostBytes: 64, lengthOf: () => 64 };

/** Codes of means have the lower numbers. */
const codeTables: TableKind = {
  ids: [0, 1, 2, 3, 0x10, 0x11, 0x12, 0x13],
  mostBytes: 16 + 256,
  lengthOf: (table) => 16 + table.subarray(0, 16).reduce((sum, count) => sum + count, 0),
};

/** @returns false where a table is not whole, or of another kind */
function addTables(tables: Map<number, Uint8Array>, segment: Uint8Array, kind: TableKind): boolean {
  for (let rest = segment; rest.length > 0; ) {
    const id = rest[0]!;
    const length = kind.lengthOf(rest.subarray(1));
    if (length > kind.mostBytes || 1 + length > rest.length || !kind.ids.includes(id)) return false;
    tables.set(id, rest.subarray(1, 1 + length));
    rest = rest.subarray(1 + length);
  }
  return true;
}

function scanOf(bytes: Uint8Array, tables: Tables, { ids, at }: { ids: readonly number[]; at: number }) {
  const count = bytes[0]!;
  if (bytes.length !== 4 + 2 * count) return undefined;
  const components = Array.from({ length: count }, (_, i) => {
    const [id, codes] = bytes.subarray(1 + 2 * i);
    const index = ids.indexOf(id!);
    return { index, meanCodes: tables.codes.get(codes! >> 4), codes: tables.codes.get(0x10 | (codes! & 15)) };
  });
  if (components.some(({ index }, i) => index < 0 || (count > 1 && index !== i))) return undefined;
  const [first, last, bits] = bytes.subarray(1 + 2 * count);
  return {
    at,
    components,
    first: first!,
    last: last!,
    high: bits! >> 4,
    low: bits! & 15,
    restartUnits: tables.restartUnits,
  };
}

/** Components in their usual order, with colours at the whole resolution, half of it across, or half of it both ways. */
function layoutOf(frame: Uint8Array) {
  const count = frame[5]!;
  if (frame.length !== 6 + 3 * count) return undefined;
  const components = Array.from({ length: count }, (_, i) => frame.subarray(6 + 3 * i));
  const ids = components.map(([id]) => id!);
  const factors = components.map(([, factor]) => factor!);
  const tables = components.map(([, , table]) => table!);
  if (count === 1) return isFactor(factors[0]!) ? { ids, tables, blocksAcross: 1, blocksDown: 1 } : undefined;
  if (ids.join() !== "1,2,3") return undefined; // others may mean R G B
  if (![0x11, 0x21, 0x22].includes(factors[0]!) || factors[1] !== 0x11 || factors[2] !== 0x11) return undefined;
  return { ids, tables, blocksAcross: factors[0]! >> 4, blocksDown: factors[0]! & 15 };
}

const isFactor = (pair: number) => [pair >> 4, pair & 15].every((factor) => factor >= 1 && factor <= 4);

const beginsWith = (segment: Uint8Array, word: string) =>
  Buffer.from(segment.subarray(0, word.length)).toString("latin1") === word;

function isYCbCr(segment: Uint8Array): boolean {
  return !beginsWith(segment, "Adobe") || segment[11] === 1;
}

/** @returns undefined where how the picture lies, or what its numbers mean, is unusual */
function orientationIn(segments: readonly Segment[]): number | undefined {
  const bytesOf = (wanted: number) => segments.filter(({ marker }) => marker === wanted).map(({ bytes }) => bytes);
  return bytesOf(adobe).every(isYCbCr) ? orientationOf(bytesOf(exif)) : undefined;
}

/** @returns undefined where several segments, or one that is not in the best of order, might tell how a picture lies */
function orientationOf(segments: readonly Uint8Array[]): number | undefined {
  const found = segments.filter((segment) => beginsWith(segment, "Exif"));
  const [exif] = found;
  if (!exif) return 1;
  const isUsual = found.length === 1 && exif[4] === 0 && exif[5] === 0;
  return isUsual ? firstOrientation(exif.subarray(6)) : undefined;
}

const orientationTag = 274;
const entryBytes = 12;
const short = 3; // the type of a number of 16 bits

/**
 * Reads the first directory of a TIFF file. Where anything is odd it gives up, other than readDirectories(), which takes
 * what can be read.
 */
function firstOrientation(tiff: Uint8Array): number | undefined {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const magic = tiff.length < 8 ? 0 : view.getUint32(0);
  const isLittle = magic === 0x49492a00; // "II*"
  if (!isLittle && magic !== 0x4d4d002a) return undefined; // "MM"
  const start = view.getUint32(4, isLittle);
  if (start + 2 > tiff.length) return undefined;
  const end = start + 2 + view.getUint16(start, isLittle) * entryBytes;
  if (end > tiff.length) return undefined;
  for (let at = start + 2; at < end; at += entryBytes) {
    if (view.getUint16(at, isLittle) !== orientationTag) continue;
    const isNumber = view.getUint16(at + 2, isLittle) === short && view.getUint32(at + 4, isLittle) === 1;
    const orientation = view.getUint16(at + 8, isLittle);
    return isNumber && orientation <= 8 ? orientation || 1 : undefined; // 0 is some programs' word for "unknown"
  }
  return 1;
}
