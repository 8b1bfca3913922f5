export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** Gives the median and the quantiles at `tail` and 1 - `tail`; a tail of 0 gives the least and the greatest value. */
export function spread(values: readonly number[], tail = 0): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)]!;
    return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
  };
  return { median: at(0.5), low: at(tail), high: at(1 - tail) };
}

/** Prints the median (low–high) for a table. */
export function spreadCell({ median, low, high }: Spread): string {
  return `${short(median)} (${short(low)}–${short(high)})`;
}

/** Prints three significant digits. */
export const short = (value: number) => String(Number(value.toPrecision(3)));
