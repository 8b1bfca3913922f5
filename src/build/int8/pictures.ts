import { type Pixels, pixelBytes } from "../../image/pixels.ts";

/**
 * Makes up pictures for calibration and for the fidelity measurement: gradients, noise of many scales, shapes and
 * stripes, in changing contrast, and a few without anything on them. Equal seeds give equal pictures.
 */
export function makePictures({ count, size, seed }: { count: number; size: number; seed: number }): Pixels[] {
  const random = randomFrom(seed);
  const plain = [0, 255, 127].map((level) => ({ data: new Uint8Array(pixelBytes(size)).fill(level), size }));
  const drawn = Array.from({ length: Math.max(0, count - plain.length) }, () => drawPicture(size, random));
  return [...plain, ...drawn].slice(0, count);
}

type Random = () => number;
type Colour = [number, number, number];

function drawPicture(size: number, random: Random): Pixels {
  const canvas = new Float32Array(size * size * 3).fill(127);
  paint(canvas, size, gradient(random));
  for (let cells = 2 + Math.floor(random() * 3); cells < size / 6; cells *= 2) {
    paint(canvas, size, noise(random, { cells, strength: (random() * 400) / cells }));
  }
  for (let shapes = Math.floor(random() * 7); shapes > 0; shapes--) paint(canvas, size, shape(random));
  const contrast = 0.4 + random() * 1.2;
  const grain = random() ** 3 * 40;
  const data = new Uint8Array(canvas.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.max(0, Math.min(255, 127 + (canvas[i]! - 127) * contrast + (random() - 0.5) * grain));
  }
  return { data, size };
}

/** Changes the three values at `canvas[at]`, which are the colour at (x, y), both in [0, 1). */
type Layer = (x: number, y: number, canvas: Float32Array, at: number) => void;

function paint(canvas: Float32Array, size: number, layer: Layer): void {
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) layer(x / size, y / size, canvas, (y * size + x) * 3);
  }
}

function gradient(random: Random): Layer {
  const [from, to] = [colour(random), colour(random)];
  const [dx, dy] = [random(), random()];
  return (x, y, canvas, at) => {
    const share = (x * dx + y * dy) / (dx + dy + 1e-9);
    for (let i = 0; i < 3; i++) canvas[at + i] = from[i]! * (1 - share) + to[i]! * share;
  };
}

/** Interpolates random levels on a grid. */
function noise(random: Random, { cells, strength }: { cells: number; strength: number }): Layer {
  const stride = cells + 2;
  const levels = Float32Array.from({ length: stride ** 2 }, () => (random() - 0.5) * strength);
  const tint = colour(random).map((value) => value / 127);
  return (x, y, canvas, at) => {
    const [column, row] = [Math.floor(x * cells), Math.floor(y * cells)];
    const [right, down] = [x * cells - column, y * cells - row];
    const corner = row * stride + column;
    const upper = levels[corner]! * (1 - right) + levels[corner + 1]! * right;
    const lower = levels[corner + stride]! * (1 - right) + levels[corner + stride + 1]! * right;
    const level = upper * (1 - down) + lower * down;
    for (let i = 0; i < 3; i++) canvas[at + i]! += level * tint[i]!;
  };
}

/** Draws an ellipse or a rectangle, plain or striped. */
function shape(random: Random): Layer {
  const [left, top, width, height] = [random(), random(), 0.05 + random() * 0.5, 0.05 + random() * 0.5];
  const [first, second] = [colour(random), colour(random)];
  const round = random() < 0.5;
  const stripes = random() < 0.5 ? 0 : 2 + random() * 20;
  return (x, y, canvas, at) => {
    const [u, v] = [(x - left) / width, (y - top) / height];
    if (round ? u * u + v * v > 1 : Math.abs(u) > 1 || Math.abs(v) > 1) return;
    canvas.set(Math.floor((u + v) * stripes) % 2 === 0 ? first : second, at);
  };
}

function colour(random: Random): Colour {
  return [random() * 255, random() * 255, random() * 255];
}

/** Gives random numbers by the algorithm mulberry32. */
function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), bits | 61)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
