/** Colour conversions as Pillow does them, to the bit. */
import type { Raster } from "./raster.ts";

/** Rounded n / 255 for n <= 65025. */
function divide255(n: number): number {
  const rounded = n + 128;
  return (rounded + (rounded >> 8)) >> 8;
}

/** Without a profile: ink takes away from what black leaves. `data` of `cmyk` holds 4 bytes a pixel, 255 = full ink. */
export function cmykToRgb({ data, width, height }: Raster): Raster {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    const light = 255 - data[from + 3]!;
    rgb[to] = light - divide255(data[from]! * light);
    rgb[to + 1] = light - divide255(data[from + 1]! * light);
    rgb[to + 2] = light - divide255(data[from + 2]! * light);
  }
  return { data: rgb, width, height };
}

/** Lays a transparent picture over a background. `data` holds R G B A, alpha not premultiplied. */
export function flatten({ data, width, height }: Raster, background: readonly [number, number, number]): Raster {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    const alpha = data[from + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      rgb[to + channel] = divide255(data[from + channel]! * alpha + background[channel]! * (255 - alpha));
    }
  }
  return { data: rgb, width, height };
}
