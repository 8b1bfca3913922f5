import { blockSide, type Jpeg, type Scan } from "./jpeg-header.ts";
import type { Kernel } from "./kernel.ts";

/** What jpeg-kernel.as exports. */
export interface JpegKernel extends Kernel {
  free: { value: number };
  segment: { value: number };
  divisors: { value: number };
  describe(...numbers: number[]): void;
  buildTable(component: number, isAc: number): number;
  beginScan(...numbers: number[]): number;
  endScan(): number;
  decodeRow(...numbers: number[]): number;
  clear(at: number, down: number): void;
  readScan(...numbers: number[]): number;
  readMeans(...numbers: number[]): number;
  takeRow(...numbers: number[]): number;
  repeatEdges(...numbers: number[]): void;
  writeRow(...numbers: number[]): void;
}

/** Reads the scans of a JPEG whose file and layout the kernel knows. */
export interface JpegScans {
  /** Begins with the one scan of a sequential picture. @returns false if it is not in order, or not the only one */
  beginOnly(): boolean;
  /** Tells whether the scan that was read was in order, and is the last. */
  endLast(): boolean;
  /** Reads all scans of a progressive picture. @returns false unless they are in order, and tell every bit there is */
  readAll(): boolean;
}

/** Where parts lie in the kernel's memory. */
interface Places {
  file: number;
  words: number;
  coefficients: number;
}

const coefficientsOfBlock = blockSide * blockSide;
const endOfImage = 0xd9;
/** Usual programs write ten scans. */
const mostScans = 32;
/** Where a scan names no table, no code is right. */
const noCodes = new Uint8Array(16);

export function scansOf(
  kernel: JpegKernel,
  { file, jpeg, memory, at, down }: { file: Uint8Array; jpeg: Jpeg; memory: Uint8Array; at: Places; down: number },
): JpegScans {
  const { width, height, blocksAcross, blocksDown, divisors } = jpeg;

  function begin({ at: scanAt, components, restartUnits }: Scan): boolean {
    const isBuilt = components.every(({ index, meanCodes = noCodes, codes = noCodes }) =>
      [meanCodes, codes].every((table, isAc) => {
        memory.set(table, kernel.segment.value);
        return kernel.buildTable(index, isAc) === 1;
      }),
    );
    return isBuilt && kernel.beginScan(at.file + scanAt, at.file + file.length, at.words, restartUnits) === 1;
  }

  /** @returns the place in the file of the marker behind the scan, or undefined if it is not in order */
  function end(): number | undefined {
    const marker = kernel.endScan();
    return marker === 0 ? undefined : marker - at.file;
  }

  const isLast = (marker: number) => file[marker + 1] === endOfImage;

  function read({ components, first, last, high, low }: Scan): boolean {
    const isRefined = Number(high > 0);
    if (first === 0 && components.length === divisors.length) return kernel.readMeans(down, isRefined, low) === 1;
    const [component] = components;
    if (!component || components.length > 1) return false;
    const [x, y] = component.index === 0 ? [1, 1] : [blocksAcross, blocksDown];
    const blocks = [Math.ceil(width / x), Math.ceil(height / y)].map((samples) => Math.ceil(samples / blockSide));
    return kernel.readScan(component.index, ...blocks, first, last, isRefined, low) === 1;
  }

  return {
    beginOnly: () => hasAll(jpeg.firstScan, divisors.length) && begin(jpeg.firstScan),
    endLast() {
      const marker = end();
      return marker !== undefined && isLast(marker);
    },
    readAll() {
      kernel.clear(at.coefficients, down);
      // For each coefficient, the bits that were not told yet; -1 before the first.
      const missing = divisors.map(() => new Int8Array(coefficientsOfBlock).fill(-1));
      let scan: Scan | undefined = jpeg.firstScan;
      for (let count = 0; count < mostScans && scan && isDue(scan, missing); count++) {
        if (!begin(scan) || !read(scan)) return false;
        for (const { index } of scan.components) missing[index]!.fill(scan.low, scan.first, scan.last + 1);
        const marker = end();
        if (marker === undefined) return false;
        if (isLast(marker)) return missing.every((bits) => bits.every((count) => count === 0));
        scan = jpeg.nextScan(marker);
      }
      return false;
    },
  };
}

function hasAll({ components, first, last, high, low }: Scan, count: number): boolean {
  return components.length === count && first === 0 && last === coefficientsOfBlock - 1 && high === 0 && low === 0;
}

const mostLow = 13;

/** Tells whether a progressive scan goes on where those before it ended: means first, and then bit by bit. */
function isDue({ components, first, last, high, low }: Scan, missing: readonly Int8Array[]): boolean {
  if (last >= coefficientsOfBlock || first > last || (first === 0 && last > 0) || low > mostLow) return false;
  if (high > 0 && low !== high - 1) return false;
  return components.every(({ index }) => {
    const bits = missing[index]!;
    const goesOn = bits.subarray(first, last + 1).every((count) => count === (high > 0 ? high : -1));
    return goesOn && (first === 0 || bits[0]! >= 0);
  });
}
