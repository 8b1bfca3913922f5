import type { DownloadProgress } from "../hub/pull-model.ts";

/** Holds the number of bytes at a moment, in milliseconds of any clock. */
interface Sample {
  bytes: number;
  atMs: number;
}

export interface TransferLine {
  /** @returns the line to show now, or undefined if no new line is due */
  report(progress: DownloadProgress): string | undefined;
}

/** The rate covers the last seconds, so that it follows the connection without jumping. */
const windowMs = 5_000;

/**
 * Shows the progress of a download: on a terminal a bar ten times a second, elsewhere a line every ten percent.
 * @param nowMs a clock
 */
export function createTransferLine({ isTerminal, nowMs }: { isTerminal: boolean; nowMs: () => number }): TransferLine {
  let samples: Sample[] = [];
  let shown = { atMs: Number.NEGATIVE_INFINITY, tenth: -1 };
  return {
    report({ receivedBytes, totalBytes }) {
      const atMs = nowMs();
      samples = [
        ...samples.filter((it) => it.atMs > atMs - windowMs && it.bytes <= receivedBytes),
        { bytes: receivedBytes, atMs },
      ];
      const fraction = totalBytes > 0 ? receivedBytes / totalBytes : 1;
      const tenth = Math.floor(fraction * 10);
      const isDue = isTerminal ? atMs - shown.atMs >= 100 || fraction === 1 : tenth > shown.tenth;
      if (!isDue) return undefined;
      shown = { atMs, tenth };
      const amount = `${megabytes(receivedBytes)} of ${megabytes(totalBytes)} MB`;
      const percent = `${Math.floor(fraction * 100)} %`;
      const speed = rateOf(samples);
      const rest =
        speed > 0 ? `, ${megabytes(speed)} MB/s, ${duration((totalBytes - receivedBytes) / speed)} left` : "";
      return isTerminal ? `${bar(fraction)} ${percent}  ${amount}${rest}` : `downloaded ${percent}: ${amount}${rest}`;
    },
  };
}

/** Gives bytes per second. */
function rateOf(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.atMs === first.atMs) return 0;
  return (1000 * (last.bytes - first.bytes)) / (last.atMs - first.atMs);
}

function bar(fraction: number): string {
  const full = Math.round(fraction * 24);
  return `[${"#".repeat(full)}${"-".repeat(24 - full)}]`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** Writes 75 seconds as 1:15. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
