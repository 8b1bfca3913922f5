export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** Gives the median and the quantiles at `tail` and 1 - `tail`; a tail of 0 gives the least and the greatest value. */
export function spread(values: readonly number[], tail = 0): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}

/** Interpolates between the two nearest of some sorted values; of no values, the quantile is 0. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = share * Math.max(0, sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? 0;
  return below + (above - below) * (place % 1);
}

/** Prints the median (low–high) for a table. */
export function spreadCell({ median, low, high }: Spread): string {
  return `${short(median)} (${short(low)}–${short(high)})`;
}

/** Prints three significant digits. */
export const short = (value: number) => String(Number(value.toPrecision(3)));
