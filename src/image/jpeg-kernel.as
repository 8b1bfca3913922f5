/**
 * Decodes a JPEG (ITU T.81): Huffman's codes, the inverse cosine transform, colours at half their resolution, and Y Cb Cr to
 * R G B; bit for bit as libjpeg-turbo's accurate transform ("islow") and smooth upsampling do, which Pillow and libvips use.
 * It goes row by row of units, which are the smallest squares that all components share. A sequential picture's one scan is
 * read along with the rows; a progressive one's scans are read before, and leave their coefficients in memory. jpeg.ts reads
 * the headers, lays out the memory and says what is wanted.
 *
 * Nothing here copes with damage: what is not in order ends in false.
 *
 * It is AssemblyScript, compiled into jpeg-kernel.ts by scripts/build-kernels.ts.
 */

// --- Huffman's codes -------------------------------------------------------------------------------------------------

/** Codes up to this length are looked up, along with the number behind them where both fit. */
const peekBits: u32 = 10;
const longestCode: u32 = 16;

/**
 * A table has an entry of 4 bytes for each 10 bits; then for codes of 11 to 16 bits the first code that is longer (at the
 * left of 16 bits), and what to add to a code to find its symbol; then 256 symbols.
 *
 * An entry is number << 16 | run << 8 | bits of code and number; or, where the number has to be read, size << 16 |
 * run << 8 | isPart | bits of the code; or 0, where the code is longer or there is none. A progressive picture's scans use
 * their symbols in too many ways: their entries are symbol << 16 | bits of the code.
 */
const longerAt: u32 = 4 << peekBits;
const symbolsAt: u32 = longerAt + 8 * (longestCode - peekBits);
const tableBytes: u32 = symbolsAt + 256;
const isPart: u32 = 0x80;

/** After this run no place in a block is left. */
const endOfBlock: u32 = 64;

let isProgressive: bool = false;

/** Each of three components has a table for its means (DC), and one for all other coefficients (AC). */
const tables = memory.data(6 * tableBytes, 16);
/** What a segment of the file says about a table is put here. */
export const segment = memory.data(16 + 256, 16);
/** From here on memory is free. */
export const free = __heap_base;

/**
 * Builds a table from 16 numbers of codes, by length, and as many symbols.
 * @returns false if there are no such codes
 */
export function buildTable(component: u32, isAc: bool): bool {
  const table = tableOf(component, isAc);
  memory.fill(table, 0, longerAt);
  memory.copy(table + symbolsAt, segment + 16, 256);
  let code: u32 = 0;
  let place: u32 = 0;
  for (let length: u32 = 1; length <= longestCode; length++) {
    const count: u32 = load<u8>(segment + length - 1);
    if (place + count > 256 || code + count >= <u32>1 << length) return false; // a code of ones alone is not allowed
    if (length > peekBits) {
      const longer = table + longerAt + 8 * <usize>(length - peekBits - 1);
      store<u32>(longer, (code + count) << (longestCode - length));
      store<i32>(longer, place - code, 4);
    }
    for (let i: u32 = 0; i < count; i++) {
      const symbol = load<u8>(segment + 16 + place + i);
      if (!isAc && symbol > 11) return false; // no mean differs as much
      if (length <= peekBits) fillEntries(table, code + i, length, entryOf(symbol, length, isAc));
    }
    place += count;
    code = (code + count) << 1;
  }
  return true;
}

function fillEntries(table: usize, code: u32, length: u32, entry: u32): void {
  const free = peekBits - length;
  const size = entry & isPart ? entry >> 16 : 32;
  for (let rest: u32 = 0; rest < <u32>1 << free; rest++) {
    const at = table + 4 * <usize>((code << free) | rest);
    store<u32>(at, size > free ? entry : wholeEntry(entry, rest >> (free - size), size));
  }
}

@inline
function wholeEntry(part: u32, bits: u32, size: u32): u32 {
  const length = part & 0x1f;
  return (signed(bits, size) << 16) | (part & 0xff00) | (length + size);
}

/** A symbol has 4 bits of run and 4 of the number's size. Without a number, 15 is a run of zeros, and less is the end. */
function entryOf(symbol: u32, length: u32, isAc: bool): u32 {
  if (isProgressive) return (symbol << 16) | length;
  const size = symbol & 15;
  const run = isAc && size == 0 && symbol != 0xf0 ? endOfBlock : symbol >> 4;
  return (size << 16) | (run << 8) | (size == 0 ? 0 : isPart) | length;
}

/** A number whose first bit is 0 is negative. */
@inline
function signed(bits: u32, size: u32): u32 {
  return bits >> (size - 1) ? bits : bits - (1 << size) + 1;
}

@inline
function tableOf(component: u32, isAc: bool): usize {
  return tables + (2 * component + u32(isAc)) * tableBytes;
}

/** @returns the entry of a code that is longer than those that are looked up, or 0 if there is none */
function longEntry(table: usize, code: u32, isAc: bool): u32 {
  for (let length = peekBits + 1; length <= longestCode; length++) {
    const longer = table + longerAt + 8 * <usize>(length - peekBits - 1);
    if (code >= load<u32>(longer)) continue;
    const place = (code >> (longestCode - length)) + load<i32>(longer, 4);
    return entryOf(load<u8>(table + symbolsAt + place), length, isAc);
  }
  return 0;
}

// --- The scan --------------------------------------------------------------------------------------------------------

/** Where the scan goes on after the next restart or at its end, and where the file ends. */
let scan: usize = 0;
let fileEnd: usize = 0;
/** What lies between two restarts, without stuffing: so many bytes from `words` on, of which words up to `next` were read. */
let words: usize = 0;
let wordsBytes: usize = 0;
let next: usize = 0;
/** The bits that come next, leftmost first, and how many they are. */
let bits: u64 = 0;
let bitCount: u32 = 0;

let unitsAcross: u32 = 0;
let components: u32 = 0;
/** Blocks of brightness in a unit, which has one of each colour. */
let blocksAcross: u32 = 0;
let blocksDown: u32 = 0;
/** Units from one restart to the next. */
let interval: u32 = 0;
let unitsToRestart: u32 = 0;
let restarts: u32 = 0;
/** The last mean of each component. */
const means = memory.data(3 * 4, 4);
/** Blocks to come that a progressive scan adds nothing to. */
let zeroBlocks: u32 = 0;

/** Says how a picture is laid out, before its tables are built and its scans begin. */
export function describe(progressive: bool, numberOf: u32, across: u32, wide: u32, high: u32): void {
  isProgressive = progressive;
  components = numberOf;
  unitsAcross = across;
  blocksAcross = wide;
  blocksDown = high;
}

/**
 * Begins with a scan.
 * @param to has room for the bytes from the scan to the end of the file, and 48 more
 * @param restartUnits units from one restart to the next, or 0
 */
export function beginScan(from: usize, end: usize, to: usize, restartUnits: u32): bool {
  scan = from;
  fileEnd = end;
  words = to;
  interval = restartUnits == 0 ? u32.MAX_VALUE : restartUnits;
  restarts = 0;
  return nextInterval();
}

function nextInterval(): bool {
  unitsToRestart = interval;
  memory.fill(means, 0, 12);
  zeroBlocks = 0;
  next = words;
  bits = 0;
  bitCount = 0;
  return unstuff();
}

/**
 * Copies the scan up to the next marker, without the zeros that are stuffed behind each 255, into words that are read from
 * their high end on, and zeros behind them.
 * @returns false if there is no marker
 */
function unstuff(): bool {
  let to = words;
  const full = i8x16.splat(-1);
  for (;;) {
    while (scan + 16 <= fileEnd) {
      const sixteen = v128.load(scan);
      v128.store(to, sixteen);
      const found = i8x16.bitmask(i8x16.eq(sixteen, full));
      const free = found == 0 ? 16 : ctz(found);
      scan += free;
      to += free;
      if (found != 0) break;
    }
    while (scan < fileEnd && load<u8>(scan) != 0xff) store<u8>(to++, load<u8>(scan++));
    if (scan + 2 > fileEnd) return false;
    if (load<u8>(scan, 1) != 0) break;
    store<u8>(to++, 0xff);
    scan += 2;
  }
  wordsBytes = to - words;
  v128.store(to, i64x2.splat(0));
  v128.store(to, i64x2.splat(0), 16);
  for (let at = words; at < to + 8; at += 16) {
    v128.store(at, i8x16.swizzle(v128.load(at), i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)));
  }
  return true;
}

/** Tells whether all bits that were read were there, and of the last byte no more than padding is left. */
function isUsedUp(): bool {
  const left = 8 * <i32>wordsBytes - (8 * <i32>(next - words) - <i32>bitCount);
  return left >= 0 && left < 8;
}

function restart(): bool {
  if (!isUsedUp() || load<u8>(scan, 1) != 0xd0 + (restarts++ & 7)) return false;
  scan += 2;
  return nextInterval();
}

/** Tells, at the end of a scan, whether it was in order. @returns where the next marker is, or 0 */
export function endScan(): usize {
  return isUsedUp() ? scan : 0;
}

/**
 * Decodes the next row of units of a sequential picture into planes.
 * @param firstUnit units before this one and from `endUnit` on are not wanted
 */
export function decodeRow(
  y: usize, yStride: usize, cb: usize, cr: usize, cStride: usize, firstUnit: u32, endUnit: u32,
): bool {
  for (let unit: u32 = 0; unit < unitsAcross; unit++) {
    if (unitsToRestart == 0 && !restart()) return false;
    unitsToRestart--;
    const isWanted = unit >= firstUnit && unit < endUnit;
    for (let v: u32 = 0; v < blocksDown; v++) {
      for (let h: u32 = 0; h < blocksAcross; h++) {
        const at = y + 8 * (<usize>v * yStride + <usize>(unit * blocksAcross + h));
        if (!decodeBlock(0, at, yStride, isWanted)) return false;
      }
    }
    if (components == 1) continue;
    if (!decodeBlock(1, cb + 8 * <usize>unit, cStride, isWanted)) return false;
    if (!decodeBlock(2, cr + 8 * <usize>unit, cStride, isWanted)) return false;
  }
  return true;
}

/** Coefficients in the order of the file lie here in their block. */
const zigzag = memory.data<u8>([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
]);
/** What the coefficients of three components were divided by: 64 bytes each, in the order of the file. */
export const divisors = memory.data(3 * 64);
const block = memory.data(128, 16);

/** Coefficients of 8-bit samples lie within 1152 of 0, so that this many are enough for every number that means something. */
const mostCoefficient: u32 = 2048;
const mostNumberBits: u32 = 12;

/** @returns the entry of the next code, with its number, or 0 if there is none */
@inline
function entryAt(table: usize, buffer: u64, isAc: bool): u32 {
  let entry = load<u32>(table + 4 * <usize>(buffer >> (64 - peekBits)));
  if (entry == 0) entry = longEntry(table, <u32>(buffer >> (64 - longestCode)), isAc);
  if (!(entry & isPart)) return entry;
  const size = entry >> 16;
  return wholeEntry(entry, <u32>((buffer << (entry & 0x1f)) >> (64 - size)), size);
}

function decodeBlock(component: u32, to: usize, stride: usize, isWanted: bool): bool {
  let buffer = bits;
  let count = bitCount;
  let from = next;
  if (from > words + wordsBytes + 8) return false;
  const zero = i64x2.splat(0);
  for (let at = block; at < block + 128; at += 16) v128.store(at, zero);

  if (count < 32) {
    buffer |= <u64>load<u32>(from) << (32 - count);
    from += 4;
    count += 32;
  }
  const mean = entryAt(tableOf(component, false), buffer, false);
  if (mean == 0) return false;
  buffer <<= mean & 0x1f;
  count -= mean & 0x1f;
  let number = (<i32>mean >> 16) + load<i32>(means + 4 * component);
  store<i32>(means + 4 * component, number);

  const table = tableOf(component, true);
  const divisor = divisors + 64 * <usize>component;
  number *= load<u8>(divisor);
  store<i16>(block, <i16>number);
  let wild = <u32>number + mostCoefficient;
  let isFlat = true;
  let place: u32 = 1;
  do {
    if (count < 32) {
      buffer |= <u64>load<u32>(from) << (32 - count);
      from += 4;
      count += 32;
    }
    const entry = entryAt(table, buffer, true);
    if (entry == 0) return false;
    buffer <<= entry & 0x1f;
    count -= entry & 0x1f;
    place += (entry >> 8) & 0xff;
    number = <i32>entry >> 16;
    if (number != 0) {
      if (place > 63) return false;
      number *= load<u8>(divisor + place);
      wild |= <u32>number + mostCoefficient;
      store<i16>(block + 2 * <usize>load<u8>(zigzag + place), <i16>number);
      isFlat = false;
    }
    place++;
  } while (place < 64);
  if (wild >= 2 * mostCoefficient) return false;
  bits = buffer;
  bitCount = count;
  next = from;

  if (!isWanted) return true;
  if (isFlat) fill(to, stride);
  else transform(to, stride);
  return true;
}

// --- Progressive scans -----------------------------------------------------------------------------------------------

/** Where the blocks of each component begin. */
const blocks = memory.data(3 * 4, 4);
/** A block is 64 coefficients of 16 bits, and a bit for each one but the mean that is not 0, by its place in the file. */
const blockBytes: usize = 144;
const placesAt: usize = 128;

/** Blocks of a picture lie from `at` on, one component behind the other, and are all 0 before the first scan. */
export function clear(at: usize, down: u32): void {
  for (let component: u32 = 0; component < components; component++) {
    store<usize>(blocks + 4 * component, at);
    const bytes = blockBytes * (blocksInRow(component) * down * (component == 0 ? blocksDown : 1));
    memory.fill(at, 0, bytes);
    at += bytes;
  }
  for (let component: u32 = 0; component < components; component++) {
    for (let place: u32 = 0; place < 64; place++) {
      const to = orderedDivisors + 128 * component + 2 * <u32>load<u8>(zigzag + place);
      store<i16>(to, load<u8>(divisors + 64 * component + place));
    }
  }
}

/** The divisors of three components, of 16 bits, in the order of a block. */
const orderedDivisors = memory.data(3 * 128, 16);

@inline
function blocksInRow(component: u32): u32 {
  return component == 0 ? unitsAcross * blocksAcross : unitsAcross;
}

@inline
function blockAt(component: u32, row: u32, column: u32): usize {
  return load<usize>(blocks + 4 * component) + blockBytes * (row * blocksInRow(component) + column);
}

/** Reads a scan of one component, which has so many blocks within the picture. */
export function readScan(
  component: u32, wide: u32, high: u32, first: u32, last: u32, wasKnown: bool, shift: u32,
): bool {
  for (let row: u32 = 0; row < high; row++) {
    for (let column: u32 = 0; column < wide; column++) {
      if (unitsToRestart == 0 && !restart()) return false;
      unitsToRestart--;
      if (!readBlock(component, blockAt(component, row, column), first, last, wasKnown, shift)) return false;
    }
  }
  return true;
}

/** Reads a scan of the means of all components. */
export function readMeans(down: u32, wasKnown: bool, shift: u32): bool {
  for (let row: u32 = 0; row < down; row++) {
    for (let unit: u32 = 0; unit < unitsAcross; unit++) {
      if (unitsToRestart == 0 && !restart()) return false;
      unitsToRestart--;
      for (let component: u32 = 0; component < components; component++) {
        const wide = component == 0 ? blocksAcross : 1;
        const high = component == 0 ? blocksDown : 1;
        for (let v: u32 = 0; v < high; v++) {
          for (let h: u32 = 0; h < wide; h++) {
            const at = blockAt(component, row * high + v, unit * wide + h);
            if (!readBlock(component, at, 0, 0, wasKnown, shift)) return false;
          }
        }
      }
    }
  }
  return true;
}

/** @param wasKnown an earlier scan told the numbers down to the bit that is left of `shift` */
@inline
function readBlock(component: u32, at: usize, first: u32, last: u32, wasKnown: bool, shift: u32): bool {
  if (next > words + wordsBytes + 8) return false;
  if (first == 0) return wasKnown ? refineMean(at, shift) : readMean(component, at, shift);
  if (wasKnown) return refineNumbers(tableOf(component, true), at, first, last, 1 << shift);
  return readNumbers(tableOf(component, true), at, first, last, shift);
}

function readMean(component: u32, at: usize, shift: u32): bool {
  const entry = readSymbol(tableOf(component, false));
  if (entry == 0) return false;
  const size = entry >> 16;
  const mean = load<i32>(means + 4 * component) + <i32>(size == 0 ? 0 : signed(readBits(size), size));
  store<i32>(means + 4 * component, mean);
  store<i16>(at, <i16>(mean << shift));
  return true;
}

function refineMean(at: usize, shift: u32): bool {
  store<i16>(at, load<i16>(at) | <i16>(readBits(1) << shift));
  return true;
}

function readNumbers(table: usize, at: usize, first: u32, last: u32, shift: u32): bool {
  if (zeroBlocks > 0) {
    zeroBlocks--;
    return true;
  }
  for (let place = first; place <= last; place++) {
    const entry = readSymbol(table);
    if (entry == 0) return false;
    const run = entry >> 20;
    const size = (entry >> 16) & 15;
    if (size == 0 && run < 15) {
      zeroBlocks = blocksOf(run) - 1;
      return true;
    }
    place += run;
    if (size == 0) continue;
    if (place > last || size + shift > mostNumberBits) return false;
    put(at, place, signed(readBits(size), size) << shift);
  }
  return true;
}

@inline
function put(at: usize, place: u32, number: i32): void {
  store<i16>(at + 2 * <usize>load<u8>(zigzag + place), <i16>number);
  store<u64>(at, load<u64>(at, placesAt) | (<u64>1 << place), placesAt);
}

/** Numbers that are known get a bit more; others that get their first bit stand between runs of those that do not. */
function refineNumbers(table: usize, at: usize, first: u32, last: u32, bit: i32): bool {
  const range = (~(<u64>0) >> (63 - last)) & (~(<u64>0) << first);
  const known = load<u64>(at, placesAt) & range;
  let ahead = range; // places that are not dealt with
  while (ahead != 0 && zeroBlocks == 0) {
    const entry = readSymbol(table);
    if (entry == 0) return false;
    const run = entry >> 20;
    const size = (entry >> 16) & 15;
    if (size > 1) return false;
    if (size == 0 && run < 15) {
      zeroBlocks = blocksOf(run);
      break;
    }
    const number = size == 0 ? 0 : readBits(1) ? bit : -bit;
    let free = ahead & ~known;
    for (let skipped: u32 = 0; skipped < run; skipped++) free &= free - 1;
    const end = free & -free; // the bit of the place behind the run, or 0 if there is none
    refine(at, known & ahead & (end - 1), bit);
    ahead &= end == 0 ? 0 : ~((end << 1) - 1);
    if (number == 0) continue;
    if (end == 0) return false;
    put(at, <u32>ctz(end), number);
  }
  if (zeroBlocks == 0) return true;
  zeroBlocks--;
  refine(at, known & ahead, bit);
  return true;
}

function refine(at: usize, places: u64, bit: i32): void {
  for (; places != 0; places &= places - 1) {
    const to = at + 2 * <usize>load<u8>(zigzag + <usize>ctz(places));
    const number = <i32>load<i16>(to);
    if (readBits(1) && (number & bit) == 0) store<i16>(to, <i16>(number >= 0 ? number + bit : number - bit));
  }
}

/** @returns how many blocks end here, this one among them, and those that have nothing */
@inline
function blocksOf(size: u32): u32 {
  return (1 << size) + (size == 0 ? 0 : readBits(size));
}

@inline
function refill(): void {
  if (bitCount >= 32) return;
  bits |= <u64>load<u32>(next) << (32 - bitCount);
  next += 4;
  bitCount += 32;
}

@inline
function readBits(count: u32): u32 {
  refill();
  const found = <u32>(bits >> (64 - count));
  bits <<= count;
  bitCount -= count;
  return found;
}

/** @returns symbol << 16 and something, or 0 if there is no such code */
@inline
function readSymbol(table: usize): u32 {
  refill();
  let entry = load<u32>(table + 4 * <usize>(bits >> (64 - peekBits)));
  if (entry == 0) entry = longEntry(table, <u32>(bits >> (64 - longestCode)), true);
  bits <<= entry & 0x1f;
  bitCount -= entry & 0x1f;
  return entry;
}

/** Takes the next row of units of a progressive picture, whose scans were all read, into planes, as decodeRow() does. */
export function takeRow(
  row: u32, y: usize, yStride: usize, cb: usize, cr: usize, cStride: usize, firstUnit: u32, endUnit: u32,
): bool {
  for (let unit = firstUnit; unit < endUnit; unit++) {
    for (let v: u32 = 0; v < blocksDown; v++) {
      for (let h: u32 = 0; h < blocksAcross; h++) {
        const column = unit * blocksAcross + h;
        const to = y + 8 * (<usize>v * yStride + <usize>column);
        if (!takeBlock(0, blockAt(0, row * blocksDown + v, column), to, yStride)) return false;
      }
    }
    if (components == 1) continue;
    if (!takeBlock(1, blockAt(1, row, unit), cb + 8 * <usize>unit, cStride)) return false;
    if (!takeBlock(2, blockAt(2, row, unit), cr + 8 * <usize>unit, cStride)) return false;
  }
  return true;
}

function takeBlock(component: u32, from: usize, to: usize, stride: usize): bool {
  let wild = i64x2.splat(0);
  for (let row: usize = 0; row < 128; row += 16) {
    const numbers = v128.load(from + row);
    const divisor = v128.load(orderedDivisors + 128 * component + row);
    const low = i32x4.extmul_low_i16x8_s(numbers, divisor);
    const high = i32x4.extmul_high_i16x8_s(numbers, divisor);
    const most = i32x4.splat(mostCoefficient);
    wild = v128.or(wild, v128.or(i32x4.add(low, most), i32x4.add(high, most)));
    v128.store(block + row, i16x8.narrow_i32x4_s(low, high));
  }
  if (v128.any_true(v128.and(wild, i32x4.splat(~(2 * mostCoefficient - 1))))) return false;
  if (load<u64>(from, placesAt) == 0) fill(to, stride);
  else transform(to, stride);
  return true;
}

// --- The inverse cosine transform ------------------------------------------------------------------------------------

/** Numbers times 2^13, as in Loeffler, Ligtenberg and Moschytz' transform of 11 multiplications (ICASSP 1989). */
const f0_298: i16 = 2446;
const f0_390: i16 = 3196;
const f0_541: i16 = 4433;
const f0_765: i16 = 6270;
const f0_899: i16 = 7373;
const f1_175: i16 = 9633;
const f1_501: i16 = 12299;
const f1_847: i16 = 15137;
const f1_961: i16 = 16069;
const f2_053: i16 = 16819;
const f2_562: i16 = 20995;
const f3_072: i16 = 25172;
/** Columns are left with two bits behind the point, rows without any and without the transform's own factor of 8. */
const columnShift: i32 = 13 - 2;
const rowShift: i32 = 13 + 2 + 3;

@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Sums a * first + b * second, for four pairs. */
@inline
function weigh(pairs: v128, first: i16, second: i16): v128 {
  return i32x4.dot_i16x8_s(pairs, i32x4.splat((<i32>second << 16) | (<i32>first & 0xffff)));
}

@inline
function scaled(numbers: v128): v128 {
  return i32x4.shl(numbers, 13);
}

@inline
function plus(a: v128, b: v128): v128 {
  return i32x4.add(a, b);
}

@inline
function minus(a: v128, b: v128): v128 {
  return i32x4.sub(a, b);
}

@inline
function narrow(low: v128, high: v128, shift: i32): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shr_s(low, shift), i32x4.shr_s(high, shift));
}

/** Eight rows of eight, which the passes take and leave. */
let r0 = i64x2.splat(0);
let r1 = i64x2.splat(0);
let r2 = i64x2.splat(0);
let r3 = i64x2.splat(0);
let r4 = i64x2.splat(0);
let r5 = i64x2.splat(0);
let r6 = i64x2.splat(0);
let r7 = i64x2.splat(0);

/** Transforms each of eight columns. Sums of 16 bits may wrap around as they do in libjpeg-turbo. */
@inline
function transformColumns(shift: i32): void {
  const half = i32x4.splat(1 << (shift - 1));
  const sum04 = i16x8.add(r0, r4);
  const difference04 = i16x8.sub(r0, r4);
  const sum04Low = plus(scaled(i32x4.extend_low_i16x8_s(sum04)), half);
  const sum04High = plus(scaled(i32x4.extend_high_i16x8_s(sum04)), half);
  const difference04Low = plus(scaled(i32x4.extend_low_i16x8_s(difference04)), half);
  const difference04High = plus(scaled(i32x4.extend_high_i16x8_s(difference04)), half);
  const even26Low = lowPairs(r2, r6);
  const even26High = highPairs(r2, r6);
  const outer26Low = weigh(even26Low, f0_541 + f0_765, f0_541);
  const outer26High = weigh(even26High, f0_541 + f0_765, f0_541);
  const inner26Low = weigh(even26Low, f0_541, f0_541 - f1_847);
  const inner26High = weigh(even26High, f0_541, f0_541 - f1_847);

  const sums37 = i16x8.add(r7, r3);
  const sums15 = i16x8.add(r5, r1);
  const sumsLow = lowPairs(sums37, sums15);
  const sumsHigh = highPairs(sums37, sums15);
  const common37Low = weigh(sumsLow, f1_175 - f1_961, f1_175);
  const common37High = weigh(sumsHigh, f1_175 - f1_961, f1_175);
  const common15Low = weigh(sumsLow, f1_175, f1_175 - f0_390);
  const common15High = weigh(sumsHigh, f1_175, f1_175 - f0_390);
  const odd71Low = lowPairs(r7, r1);
  const odd71High = highPairs(r7, r1);
  const odd53Low = lowPairs(r5, r3);
  const odd53High = highPairs(r5, r3);
  const odd0Low = plus(weigh(odd71Low, -f0_899, f1_501 - f0_899), common15Low);
  const odd0High = plus(weigh(odd71High, -f0_899, f1_501 - f0_899), common15High);
  const odd1Low = plus(weigh(odd53Low, -f2_562, f3_072 - f2_562), common37Low);
  const odd1High = plus(weigh(odd53High, -f2_562, f3_072 - f2_562), common37High);
  const odd2Low = plus(weigh(odd53Low, f2_053 - f2_562, -f2_562), common15Low);
  const odd2High = plus(weigh(odd53High, f2_053 - f2_562, -f2_562), common15High);
  const odd3Low = plus(weigh(odd71Low, f0_298 - f0_899, -f0_899), common37Low);
  const odd3High = plus(weigh(odd71High, f0_298 - f0_899, -f0_899), common37High);

  const even0Low = plus(sum04Low, outer26Low);
  const even0High = plus(sum04High, outer26High);
  const even1Low = plus(difference04Low, inner26Low);
  const even1High = plus(difference04High, inner26High);
  const even2Low = minus(difference04Low, inner26Low);
  const even2High = minus(difference04High, inner26High);
  const even3Low = minus(sum04Low, outer26Low);
  const even3High = minus(sum04High, outer26High);
  r0 = narrow(plus(even0Low, odd0Low), plus(even0High, odd0High), shift);
  r1 = narrow(plus(even1Low, odd1Low), plus(even1High, odd1High), shift);
  r2 = narrow(plus(even2Low, odd2Low), plus(even2High, odd2High), shift);
  r3 = narrow(plus(even3Low, odd3Low), plus(even3High, odd3High), shift);
  r4 = narrow(minus(even3Low, odd3Low), minus(even3High, odd3High), shift);
  r5 = narrow(minus(even2Low, odd2Low), minus(even2High, odd2High), shift);
  r6 = narrow(minus(even1Low, odd1Low), minus(even1High, odd1High), shift);
  r7 = narrow(minus(even0Low, odd0Low), minus(even0High, odd0High), shift);
}

@inline
function transpose(): void {
  const a0 = lowPairs(r0, r4);
  const a1 = highPairs(r0, r4);
  const a2 = lowPairs(r1, r5);
  const a3 = highPairs(r1, r5);
  const a4 = lowPairs(r2, r6);
  const a5 = highPairs(r2, r6);
  const a6 = lowPairs(r3, r7);
  const a7 = highPairs(r3, r7);
  const b0 = lowPairs(a0, a4);
  const b1 = highPairs(a0, a4);
  const b2 = lowPairs(a1, a5);
  const b3 = highPairs(a1, a5);
  const b4 = lowPairs(a2, a6);
  const b5 = highPairs(a2, a6);
  const b6 = lowPairs(a3, a7);
  const b7 = highPairs(a3, a7);
  r0 = lowPairs(b0, b4);
  r1 = highPairs(b0, b4);
  r2 = lowPairs(b1, b5);
  r3 = highPairs(b1, b5);
  r4 = lowPairs(b2, b6);
  r5 = highPairs(b2, b6);
  r6 = lowPairs(b3, b7);
  r7 = highPairs(b3, b7);
}

/** Writes two rows of eight samples. */
@inline
function storeRows(one: v128, other: v128, to: usize, stride: usize): void {
  const samples = v128.xor(i8x16.narrow_i16x8_s(one, other), i8x16.splat(-128)); // from -128 .. 127 to 0 .. 255
  v128.store_lane<u64>(to, samples, 0);
  v128.store_lane<u64>(to + stride, samples, 1);
}

/** Turns the block into 8x8 samples. */
function transform(to: usize, stride: usize): void {
  r0 = v128.load(block);
  r1 = v128.load(block, 16);
  r2 = v128.load(block, 32);
  r3 = v128.load(block, 48);
  r4 = v128.load(block, 64);
  r5 = v128.load(block, 80);
  r6 = v128.load(block, 96);
  r7 = v128.load(block, 112);
  transformColumns(columnShift);
  transpose();
  transformColumns(rowShift);
  transpose();
  storeRows(r0, r1, to, stride);
  storeRows(r2, r3, to + 2 * stride, stride);
  storeRows(r4, r5, to + 4 * stride, stride);
  storeRows(r6, r7, to + 6 * stride, stride);
}

/** Does the same where the block has a mean alone. */
function fill(to: usize, stride: usize): void {
  const sample = min(max(((load<i16>(block) + 4) >> 3) + 128, 0), 255);
  const eight = <u64>sample * 0x0101010101010101;
  for (let row: usize = 0; row < 8; row++) store<u64>(to + row * stride, eight);
}

// --- Colours ---------------------------------------------------------------------------------------------------------

/** Repeats the first and the last column of a plane beside it, as smooth upsampling wants them. */
export function repeatEdges(plane: usize, stride: usize, width: u32, rows: u32): void {
  for (let row: u32 = 0; row < rows; row++) {
    store<u8>(plane - 1, load<u8>(plane));
    store<u8>(plane + width, load<u8>(plane + width - 1));
    plane += stride;
  }
}

/**
 * A pixel between two colours has 3/4 of the near one. Sums are 2^shift times as much as colours, and `rounding` says which
 * way halves go. Colours were 0 .. 255 and are -128 .. 127 then.
 */
@inline
function mix(near: v128, other: v128, rounding: i16, shift: i32): v128 {
  const sum = i16x8.add(i16x8.mul(near, i16x8.splat(3)), other);
  return i16x8.shr_s(i16x8.add(sum, i16x8.splat(rounding - (<i16>128 << <i16>shift))), shift);
}

/** Mixes eight colours with those of another row: four times as much. */
@inline
function betweenRows(at: usize, far: isize): v128 {
  return i16x8.add(i16x8.mul(v128.load_ext<u8>(at), i16x8.splat(3)), v128.load_ext<u8>(at + far));
}

/** Gives the colours that lie one before the eight of `these`. */
@inline
function previous(before: v128, these: v128): v128 {
  return v128.shuffle<i16>(before, these, 7, 8, 9, 10, 11, 12, 13, 14);
}

/** Gives those that lie one behind. */
@inline
function following(these: v128, behind: v128): v128 {
  return v128.shuffle<i16>(these, behind, 1, 2, 3, 4, 5, 6, 7, 8);
}

/** 1.402 = 1 + 26345 / 2^16. Rounded, 13172 / 2^15 gives the same for all of -128 .. 127. */
@inline
function red(y: v128, cr: v128): v128 {
  return i16x8.add(i16x8.add(y, cr), i16x8.q15mulr_sat_s(cr, i16x8.splat(13172)));
}

/** 1.772 = 2 - 7471 / 2^15 */
@inline
function blue(y: v128, cb: v128): v128 {
  return i16x8.add(i16x8.add(y, i16x8.add(cb, cb)), i16x8.q15mulr_sat_s(cb, i16x8.splat(-7471)));
}

/** -0.34414 = -22554 / 2^16, and -0.71414 = 18734 / 2^16 - 1 */
@inline
function green(y: v128, cb: v128, cr: v128): v128 {
  const half = i32x4.splat(1 << 15);
  const shares = narrow(
    plus(weigh(lowPairs(cb, cr), -22554, 18734), half),
    plus(weigh(highPairs(cb, cr), -22554, 18734), half),
    16,
  );
  return i16x8.add(i16x8.sub(y, cr), shares);
}

/** Writes 16 pixels of R G B. */
@inline
function storePixels(y: v128, cbLow: v128, cbHigh: v128, crLow: v128, crHigh: v128, to: usize): void {
  const yLow = i16x8.extend_low_i8x16_u(y);
  const yHigh = i16x8.extend_high_i8x16_u(y);
  const r = i8x16.narrow_i16x8_u(red(yLow, crLow), red(yHigh, crHigh));
  const g = i8x16.narrow_i16x8_u(green(yLow, cbLow, crLow), green(yHigh, cbHigh, crHigh));
  const b = i8x16.narrow_i16x8_u(blue(yLow, cbLow), blue(yHigh, cbHigh));
  const left = v128.shuffle<i8>(r, g, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const right = v128.shuffle<i8>(r, g, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const centre = v128.shuffle<i8>(left, right, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26);
  v128.store(to, v128.shuffle<i8>(left, b, 0, 1, 16, 2, 3, 17, 4, 5, 18, 6, 7, 19, 8, 9, 20, 10));
  v128.store(to, v128.shuffle<i8>(centre, b, 0, 21, 1, 2, 22, 3, 4, 23, 5, 6, 24, 7, 8, 25, 9, 10), 16);
  v128.store(to, v128.shuffle<i8>(right, b, 26, 6, 7, 27, 8, 9, 28, 10, 11, 29, 12, 13, 30, 14, 15, 31), 32);
}

/** Does so where each colour is that of an even pixel or an odd one. */
@inline
function storeMixed(y: v128, evenBlues: v128, oddBlues: v128, evenReds: v128, oddReds: v128, to: usize): void {
  storePixels(
    y,
    lowPairs(evenBlues, oddBlues),
    highPairs(evenBlues, oddBlues),
    lowPairs(evenReds, oddReds),
    highPairs(evenReds, oddReds),
    to,
  );
}

/**
 * Writes pixels of a row, R G B: from one whose number is a multiple of 16 on, and up to 15 more than asked for.
 * @param far how far the row of colours lies from which a quarter comes, where they have half the resolution down
 */
export function writeRow(y: usize, cb: usize, cr: usize, far: isize, from: u32, until: u32, to: usize): void {
  const isMixedDown = blocksDown == 2;
  let bluesBefore = i64x2.splat(0);
  let redsBefore = i64x2.splat(0);
  let blues = i64x2.splat(0);
  let reds = i64x2.splat(0);
  if (isMixedDown) {
    const at: usize = from >> 1;
    bluesBefore = betweenRows(cb + at - 8, far);
    redsBefore = betweenRows(cr + at - 8, far);
    blues = betweenRows(cb + at, far);
    reds = betweenRows(cr + at, far);
  }
  for (let x: usize = from; x < until; x += 16) {
    const luma = v128.load(y + x);
    if (isMixedDown) {
      const behind = (x >> 1) + 8;
      const bluesBehind = betweenRows(cb + behind, far);
      const redsBehind = betweenRows(cr + behind, far);
      const evenBlues = mix(blues, previous(bluesBefore, blues), 8, 4);
      const oddBlues = mix(blues, following(blues, bluesBehind), 7, 4);
      const evenReds = mix(reds, previous(redsBefore, reds), 8, 4);
      const oddReds = mix(reds, following(reds, redsBehind), 7, 4);
      storeMixed(luma, evenBlues, oddBlues, evenReds, oddReds, to);
      bluesBefore = blues;
      redsBefore = reds;
      blues = bluesBehind;
      reds = redsBehind;
    } else if (components == 1) {
      const grey = i64x2.splat(0);
      storePixels(luma, grey, grey, grey, grey, to);
    } else if (blocksAcross == 1) {
      const middle = i8x16.splat(-128);
      const ofBlue = v128.xor(v128.load(cb + x), middle);
      const ofRed = v128.xor(v128.load(cr + x), middle);
      storePixels(
        luma,
        i16x8.extend_low_i8x16_s(ofBlue),
        i16x8.extend_high_i8x16_s(ofBlue),
        i16x8.extend_low_i8x16_s(ofRed),
        i16x8.extend_high_i8x16_s(ofRed),
        to,
      );
    } else {
      const atBlue = cb + (x >> 1);
      const atRed = cr + (x >> 1);
      const nearBlue = v128.load_ext<u8>(atBlue);
      const nearRed = v128.load_ext<u8>(atRed);
      const evenBlues = mix(nearBlue, v128.load_ext<u8>(atBlue - 1), 1, 2);
      const oddBlues = mix(nearBlue, v128.load_ext<u8>(atBlue + 1), 2, 2);
      const evenReds = mix(nearRed, v128.load_ext<u8>(atRed - 1), 1, 2);
      const oddReds = mix(nearRed, v128.load_ext<u8>(atRed + 1), 2, 2);
      storeMixed(luma, evenBlues, oddBlues, evenReds, oddReds, to);
    }
    to += 48;
  }
}
