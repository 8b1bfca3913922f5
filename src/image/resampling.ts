import type { Resample } from "./pixels.ts";

/** Says how inputs along one axis become outputs. */
export interface Resampling {
  /** All outputs together need the inputs `start` .. `end`. */
  start: number;
  end: number;
  /** What resize-kernel.as reads. */
  table: Uint8Array;
  /** Each output needs the inputs `first` .. `end`; its part of the table begins at `at`. None ends before another begun. */
  outputs: readonly { first: number; end: number; at: number }[];
}

/** Asks for the outputs `first` .. `first + count` of `from` inputs, each of some bytes, resized to `to`. */
interface Axis {
  from: number;
  to: number;
  first: number;
  count: number;
  inputBytes: number;
  resample: Resample;
  /** Inputs come last first, and so do outputs. */
  isMirrored: boolean;
}

/** The pictures of a folder share a few sizes. Making the tables takes a third of the time of resizing 640x480. */
const mostRemembered = 8;

export function rememberResampling(): (axis: Axis) => Resampling {
  const remembered = new Map<string, Resampling>();
  return (axis) => {
    const key = Object.values(axis).join();
    const found = remembered.get(key) ?? resampling(axis);
    remembered.delete(key); // so that it becomes the last, and the first is the one not used for longest
    if (remembered.size === mostRemembered) remembered.delete(remembered.keys().next().value!);
    remembered.set(key, found);
    return found;
  };
}

function resampling(axis: Axis): Resampling {
  const straight = axis.resample === "nearest" ? nearest(axis) : weighted(axis, filters[axis.resample]);
  const outputs = axis.isMirrored ? straight.map((output) => mirrored(output, axis.from)).reverse() : straight;
  const start = outputs[0]!.first;
  const last = outputs.at(-1)!;
  return { start, end: last.first + last.weights.length, ...weightTable(outputs, start, axis.inputBytes) };
}

const mirrored = ({ first, weights }: Output, inputs: number): Output => ({
  first: inputs - first - weights.length,
  weights: weights.toReversed(),
});

/** Holds an output's first input, and the weights of that and those that follow, which sum to about 2^22. */
interface Output {
  first: number;
  weights: number[];
}

/** Takes one input for each output. Its place is a sum, as Pillow computes it, whose rounding decides at times. */
function nearest({ from, to, first, count }: Axis): Output[] {
  const scale = from / to;
  const places: number[] = [];
  let place = scale * 0.5;
  for (let i = 0; i < first + count; i++) {
    places.push(Math.trunc(place));
    place += scale;
  }
  return places.slice(first).map((place) => ({ first: place, weights: [1 << 22] }));
}

function weighted({ from, to, first, count }: Axis, filter: Filter): Output[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1); // the filter widens when shrinking, never when enlarging
  const support = filter.support * stretch;
  return Array.from({ length: count }, (_, i) => {
    const centre = (first + i + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), from);
    const exact: number[] = [];
    let total = 0;
    for (let at = start; at < end; at++) {
      const weight = filter.weight((at - centre + 0.5) / stretch);
      exact.push(weight);
      total += weight;
    }
    const weights = exact.map((weight) => Math.trunc((weight / total) * (1 << 22) + (weight >= 0 ? 0.5 : -0.5)));
    return { first: start, weights };
  });
}

interface Filter {
  /** The weight is zero from this distance on, in inputs. */
  support: number;
  weight(distance: number): number;
}

const filters: Record<Exclude<Resample, "nearest">, Filter> = {
  lanczos: { support: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  hamming: { support: 1, weight: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/**
 * Writes resampling as the kernel reads it, in 32-bit words. Each output has its first input's place in bytes, the
 * number of weight pairs, then for each pair the high halves (weight >> 11) of both in one word, and the low ones in
 * the next.
 */
function weightTable(outputs: readonly Output[], start: number, inputBytes: number) {
  const words: number[] = [];
  const places: { first: number; end: number; at: number }[] = [];
  for (const { first, weights } of outputs) {
    places.push({ first, end: first + weights.length, at: words.length * 4 });
    words.push((first - start) * inputBytes, Math.ceil(weights.length / 2));
    for (let t = 0; t < weights.length; t += 2) {
      const one = weights[t]!;
      const other = weights[t + 1] ?? 0;
      words.push(((one >> 11) & 0xffff) | ((other >> 11) << 16), (one & 0x7ff) | ((other & 0x7ff) << 16));
    }
  }
  return { table: new Uint8Array(Int32Array.from(words).buffer), outputs: places };
}
