/** Holds what the boxes of an ISO media file (HEIC, AVIF) say about its pictures, as far as decoders do not. */
export interface HeifFacts {
  /** Item properties stand in the file's order, with their four letters and their bytes. */
  properties: readonly { type: string; payload: Buffer }[];
  /** Each kind of reference from one item to another has four letters. */
  references: readonly string[];
}

interface Box {
  type: string;
  payload: Buffer;
}

/** Limits the boxes looked at side by side, so that a file of tiny ones costs nothing. */
const mostBoxes = 10_000;

export function readHeifFacts(file: Uint8Array): HeifFacts {
  const top = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const meta = find(boxesOf(top), "meta")?.subarray(4); // behind its version and flags
  const inMeta = meta ? boxesOf(meta) : [];
  const container = find(boxesOf(find(inMeta, "iprp") ?? Buffer.alloc(0)), "ipco");
  const references = find(inMeta, "iref")?.subarray(4);
  return {
    properties: container ? boxesOf(container) : [],
    references: references ? boxesOf(references).map(({ type }) => type) : [],
  };
}

/**
 * Reads width and height of the picture that is shown first, in pixels before any turning: the crop (`clap`) or else the
 * size (`ispe`) that the primary item (`pitm`) is associated with (`ipma`).
 * @returns undefined where the file does not say
 */
export function heifSize(file: Uint8Array): { width: number; height: number } | undefined {
  const top = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const inMeta = boxesOf(find(boxesOf(top), "meta")?.subarray(4) ?? Buffer.alloc(0));
  const inProperties = boxesOf(find(inMeta, "iprp") ?? Buffer.alloc(0));
  const [primary, associations] = [find(inMeta, "pitm"), find(inProperties, "ipma")];
  if (!primary || !associations) return undefined;
  const properties = boxesOf(find(inProperties, "ipco") ?? Buffer.alloc(0));
  try {
    const item = primary[0] === 0 ? primary.readUInt16BE(4) : primary.readUInt32BE(4);
    const own = propertiesOf(associations, item).map((index) => properties[index - 1]);
    const payload = (type: string) => own.find((property) => property?.type === type)?.payload;
    const [crop, size] = [payload("clap"), payload("ispe")];
    if (crop) return { width: fraction(crop, 0), height: fraction(crop, 8) };
    return size && { width: size.readUInt32BE(4), height: size.readUInt32BE(8) };
  } catch {
    return undefined; // A box ends before what it should hold.
  }
}

/** @throws RangeError if the box ends early */
function fraction(bytes: Buffer, at: number): number {
  return Math.round(bytes.readUInt32BE(at) / bytes.readUInt32BE(at + 4));
}

/**
 * Lists an item's properties, counted from 1: [version 1] [flags 3] [items 4] ([item 2 or 4] [count 1] [index 1 or 2]*)*
 * @throws RangeError if the box ends early
 */
function propertiesOf(associations: Buffer, wanted: number): number[] {
  const idBytes = associations[0] === 0 ? 2 : 4;
  const indexBytes = (associations[3]! & 1) === 0 ? 1 : 2;
  const indexMask = indexBytes === 1 ? 0x7f : 0x7fff; // The first bit says that the property matters.
  let at = 8;
  for (let items = Math.min(associations.readUInt32BE(4), mostBoxes); items > 0; items--) {
    const item = associations.readUIntBE(at, idBytes);
    const count = associations.readUInt8(at + idBytes);
    at += idBytes + 1;
    if (item === wanted) {
      return Array.from(
        { length: count },
        (_, i) => associations.readUIntBE(at + i * indexBytes, indexBytes) & indexMask,
      );
    }
    at += count * indexBytes;
  }
  return [];
}

/**
 * Tells whether the file's last box reaches beyond it: it was cut short, which the decoder of HEVC would not notice.
 */
export function endsEarly(file: Uint8Array): boolean {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const end = boxesOf(bytes).reduce((_, { payload }) => payload.byteOffset + payload.length - bytes.byteOffset, 0);
  return end + 8 <= bytes.length && /^[a-z]{4}$/.test(bytes.toString("latin1", end + 4, end + 8));
}

/** Lists boxes: [size 4] [type 4] ([size 8] if the first is 1) payload. Size 0 means the rest; a broken one ends it. */
function boxesOf(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  let at = 0;
  while (at + 8 <= bytes.length && boxes.length < mostBoxes) {
    const short = bytes.readUInt32BE(at);
    const isLong = short === 1 && at + 16 <= bytes.length;
    const size = isLong ? Number(bytes.readBigUInt64BE(at + 8)) : short === 0 ? bytes.length - at : short;
    const head = isLong ? 16 : 8;
    if (size < head || at + size > bytes.length) break;
    boxes.push({ type: bytes.toString("latin1", at + 4, at + 8), payload: bytes.subarray(at + head, at + size) });
    at += size;
  }
  return boxes;
}

function find(boxes: readonly Box[], type: string): Buffer | undefined {
  return boxes.find((box) => box.type === type)?.payload;
}
