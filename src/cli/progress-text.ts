/** Measures how fast an amount grows over the last milliseconds, so that the rate follows the machine without jumping. */
export function createRate({ windowMs }: { windowMs: number }) {
  let samples: { atMs: number; amount: number }[] = [];
  return {
    /** Notes the amount at a moment of any clock. Larger ones are forgotten: a download may start again. */
    note(atMs: number, amount: number): void {
      samples = [...samples.filter((it) => it.atMs > atMs - windowMs && it.amount <= amount), { atMs, amount }];
    },
    perSecond(): number {
      const [first, last] = [samples[0], samples.at(-1)];
      if (!first || !last || last.atMs === first.atMs) return 0;
      return (1000 * (last.amount - first.amount)) / (last.atMs - first.atMs);
    },
  };
}

/** Draws a share from 0 to 1 as `[####----]`. */
export function bar(share: number): string {
  return `[${"#".repeat(Math.round(24 * share)).padEnd(24, "-")}]`;
}

/** Writes 1234567 as 1,234,567. */
export const count = (value: number) => value.toLocaleString("en-US");

/** Writes 75 seconds as 1:15, and 3675 as 1:01:15. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
