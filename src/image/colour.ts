/** Converts colours as Pillow does, to the bit unless a comment says otherwise. */
import type { Raster, Samples } from "./raster.ts";

type Colour = readonly [red: number, green: number, blue: number];

/** Divides n <= 65025 by 255, and rounds. */
function divide255(n: number): number {
  const rounded = n + 128;
  return (rounded + (rounded >> 8)) >> 8;
}

/** Ink, of which 255 is full, takes away from what black leaves. No profile is asked. */
export const inkToRgb: PixelConversion = (ink, from, rgb, to) => {
  const light = 255 - ink[from + 3]!;
  for (let channel = 0; channel < 3; channel++) rgb[to + channel] = light - divide255(ink[from + channel]! * light);
};

/**
 * Turns CIELab at D50, with a and b as signed bytes, into sRGB by way of XYZ (Bradford's adaptation is in the matrix).
 * Little CMS, which Pillow uses, computes with 8 bits in between, and may differ by two levels.
 */
export const labToRgb: PixelConversion = (lab, from, rgb, to) => {
  const fy = ((lab[from]! * 100) / 255 + 16) / 116;
  const fx = fy + signed(lab[from + 1]!) / 500;
  const fz = fy - signed(lab[from + 2]!) / 200;
  const [x, y, z] = [0.9642 * uncurve(fx), uncurve(fy), 0.8249 * uncurve(fz)];
  rgb[to] = gamma(3.1338561 * x - 1.6168667 * y - 0.4906146 * z);
  rgb[to + 1] = gamma(-0.9787684 * x + 1.9161415 * y + 0.033454 * z);
  rgb[to + 2] = gamma(0.0719453 * x - 0.2289914 * y + 1.4052427 * z);
};

const signed = (byte: number) => (byte << 24) >> 24;
const uncurve = (f: number) => (f > 6 / 29 ? f ** 3 : 3 * (6 / 29) ** 2 * (f - 4 / 29));
const gamma = (light: number) => {
  const curved = light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
  return Math.round(Math.min(Math.max(curved, 0), 1) * 255);
};

/** Turns the pixel at `from` into R G B at `to`. */
type PixelConversion = (samples: Uint8Array, from: number, rgb: Uint8Array, to: number) => void;

export function convertPixels({ data, width, height, channels }: Samples, convert: PixelConversion): Raster {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) convert(data, from, rgb, to);
  return { data: rgb, width, height };
}

/** Lays a transparent picture over a background. R G B come first, not premultiplied; `alpha` is a channel's number. */
export function flatten(samples: Samples, alpha: number, background: Colour): Raster {
  return convertPixels(samples, (data, from, rgb, to) => {
    const cover = data[from + alpha]!;
    for (let channel = 0; channel < 3; channel++) {
      rgb[to + channel] = divide255(data[from + channel]! * cover + background[channel]! * (255 - cover));
    }
  });
}

/** Keeps the first three channels, as the reference does with transparent pictures. */
export function dropOthers(samples: Samples): Raster {
  if (samples.channels === 3) return samples;
  return convertPixels(samples, (data, from, rgb, to) => {
    for (let channel = 0; channel < 3; channel++) rgb[to + channel] = data[from + channel]!;
  });
}

/** Divides colours that were multiplied by their alpha, the fourth channel. */
export function unpremultiply({ data }: Samples): void {
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3]!;
    if (alpha === 255) continue;
    for (let i = at; i < at + 3; i++)
      data[i] = alpha === 0 ? 0 : Math.min(255, Math.floor((data[i]! * 255) / alpha + 0.5));
  }
}
