export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** The median, and the values that a share `tail` of all lies beyond on either side: 0 for the least and the greatest. */
export function spread(values: readonly number[], tail = 0): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)]!;
    return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
  };
  return { median: at(0.5), low: at(tail), high: at(1 - tail) };
}

/** median (low–high), for a table. */
export function spreadCell({ median, low, high }: Spread): string {
  return `${short(median)} (${short(low)}–${short(high)})`;
}

/** Three digits. */
export const short = (value: number) => String(Number(value.toPrecision(3)));
