/** A picture whose fine regular detail shows every fault of a decoder that skips some of it. */
export interface NastyPicture {
  name: string;
  /** Gives the levels of red, green and blue at a place. */
  colour: (x: number, y: number) => readonly [number, number, number];
}

const ink = [24, 30, 60] as const;
const paper = [246, 240, 228] as const;
const pick = (isInk: boolean) => (isInk ? ink : paper);

function stripes(period: number, degrees: number): NastyPicture {
  const [dx, dy] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const phase = (x: number, y: number) => (((x * dx + y * dy) % period) + period) % period;
  return { name: `stripes of ${period} px at ${degrees}°`, colour: (x, y) => pick(phase(x, y) < period / 2) };
}

function checkers(side: number): NastyPicture {
  return {
    name: `checkers of ${side} px`,
    colour: (x, y) => pick((Math.floor(x / side) + Math.floor(y / side)) % 2 === 0),
  };
}

function net(period: number): NastyPicture {
  return { name: `a net of ${period} px`, colour: (x, y) => pick(x % period === 0 || y % period === 0) };
}

/** Draws dots at 15 degrees whose size follows a slope of grey, as printers make them. */
function halftone(period: number): NastyPicture {
  const [c, s] = [Math.cos(Math.PI / 12), Math.sin(Math.PI / 12)];
  const wave = (v: number) => Math.cos((2 * Math.PI * v) / period);
  return {
    name: `a halftone of ${period} px`,
    colour: (x, y) => pick(wave(x * c - y * s) + wave(x * s + y * c) > 1.6 - ((x + y) % 2000) / 700),
  };
}

/** Draws rows of glyphs: blocks of random strokes, 7 by 11 in a cell of 10 by 16, times `scale`. */
function text(scale: number): NastyPicture {
  return {
    name: `text of ${11 * scale} px`,
    colour: (x, y) => {
      const [u, v] = [Math.floor(x / scale), Math.floor(y / scale)];
      const [column, row] = [u % 10, v % 16];
      return pick(
        column < 7 &&
          row < 11 &&
          hash(Math.floor(u / 10) * 7919 + column, Math.floor(v / 16) * 977 + (row >> 1)) < 0.45,
      );
    },
  };
}

function noise(grain: number): NastyPicture {
  return {
    name: `noise of ${grain} px`,
    colour: (x, y) => {
      const [u, v] = [Math.floor(x / grain), Math.floor(y / grain)];
      return [hash(u, v) * 255, hash(u + 9, v) * 255, hash(u, v + 5) * 255];
    },
  };
}

/** Draws rings that grow finer towards the edge, through every frequency at every angle. */
const zonePlate: NastyPicture = {
  name: "a zone plate",
  colour: (x, y) => {
    const level = 127 + 127 * Math.cos(((x - 500) ** 2 + (y - 500) ** 2) / 400);
    return [level, level, 255 - level];
  },
};

/** Draws stripes of colour at one brightness, which live in the halved chroma alone. */
const colourStripes: NastyPicture = {
  name: "stripes of colour of 5 px",
  colour: (x, y) => ((x + y) % 5 < 2.5 ? [200, 60, 90] : [40, 120, 160]),
};

function hash(x: number, y: number): number {
  let mixed = Math.imul(x ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(y + 0x7f4a7c15, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
}

export const nastyPictures: readonly NastyPicture[] = [
  ...[2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15].flatMap((period) =>
    [0, 8, 45, 90].map((degrees) => stripes(period, degrees)),
  ),
  ...[1, 2, 3, 5, 8].map(checkers),
  ...[3, 5, 9].map(net),
  ...[4, 6, 10].map(halftone),
  ...[1, 2].map(text),
  ...[1, 2, 4].map(noise),
  zonePlate,
  colourStripes,
];

/** @returns height * width * 3 bytes. */
export function draw({ colour }: NastyPicture, width: number, height: number): Buffer {
  const data = Buffer.allocUnsafe(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = colour(x, y);
      data[at++] = red;
      data[at++] = green;
      data[at++] = blue;
    }
  }
  return data;
}
