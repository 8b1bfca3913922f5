/** Says where an entry's value lies in the file, and its first values where those are whole numbers. */
interface Entry {
  valueAt: number;
  values: readonly number[];
}

/** Entries of one directory of a TIFF file, by tag. */
export type Directory = ReadonlyMap<number, Entry>;

export interface TiffFile {
  little: boolean;
  directories: readonly Directory[];
}

/** Bytes of a value, by its type: BYTE, SHORT, LONG, IFD, LONG8 and IFD8. Others are not needed here. */
const valueBytes: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8 };
/** More of an entry's values, such as strips or samples, are not asked for. */
const mostValues = 16;
/** A camera's file has about ten directories, in a chain or a tree. A bound also ends circles. */
const mostDirectories = 32;
/** A directory has some dozens of entries; beyond a bound they only cost time. */
const mostEntries = 4096;
const subDirectories = 330;

/** Lists the directories that can be read, the first picture's first; those that it refers to come right after it. */
export function readDirectories(bytes: Uint8Array): TiffFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49; // "II"
  const isBig = bytes[2] === 0x2b || bytes[3] === 0x2b; // BigTIFF: 43, where TIFF has 42
  const number = (at: number, size: number) => {
    if (at + size > bytes.length) return 0;
    if (size === 8) return Number(view.getBigUint64(at, little));
    return size === 4 ? view.getUint32(at, little) : size === 2 ? view.getUint16(at, little) : bytes[at]!;
  };
  const [countBytes, entryBytes, slotBytes] = isBig ? [8, 20, 8] : [2, 12, 4];

  const readEntry = (at: number): Entry => {
    const size = valueBytes[number(at + 2, 2)] ?? 0;
    const count = Math.min(number(at + 4, slotBytes), mostValues);
    const isInline = size * number(at + 4, slotBytes) <= slotBytes;
    const valueAt = isInline ? at + 4 + slotBytes : number(at + 4 + slotBytes, slotBytes);
    const values = size === 0 ? [] : Array.from({ length: count }, (_, i) => number(valueAt + i * size, size));
    return { valueAt, values };
  };

  const directories: Directory[] = [];
  const seen = new Set<number>();
  const waiting = [number(isBig ? 8 : 4, slotBytes)];
  while (waiting.length > 0 && directories.length < mostDirectories) {
    const start = waiting.shift()!;
    if (start === 0 || seen.has(start) || start + countBytes > bytes.length) continue;
    seen.add(start);
    const first = start + countBytes;
    const count = Math.min(number(start, countBytes), Math.floor((bytes.length - first) / entryBytes));
    const directory = new Map<number, Entry>();
    const end = first + Math.min(count, mostEntries) * entryBytes;
    for (let at = first; at < end; at += entryBytes) directory.set(number(at, 2), readEntry(at));
    directories.push(directory);
    waiting.unshift(...(directory.get(subDirectories)?.values ?? []));
    waiting.push(number(first + count * entryBytes, slotBytes));
  }
  return { little, directories };
}
