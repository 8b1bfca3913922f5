import type { DownloadProgress } from "../hub/pull-model.ts";
import { bar, createRate, duration } from "./progress-text.ts";

/**
 * Shows the progress of a download: on a terminal a bar ten times a second, elsewhere a line every ten percent.
 * @param nowMs a clock @returns a function that gives the line to show now, or undefined if no new line is due
 */
export function createTransferLine({ isTerminal, nowMs }: { isTerminal: boolean; nowMs: () => number }) {
  const rate = createRate({ windowMs: 5_000 });
  let shown = { atMs: Number.NEGATIVE_INFINITY, tenth: -1 };
  return ({ receivedBytes, totalBytes }: DownloadProgress): string | undefined => {
    const atMs = nowMs();
    rate.note(atMs, receivedBytes);
    const fraction = totalBytes > 0 ? receivedBytes / totalBytes : 1;
    const tenth = Math.floor(fraction * 10);
    const isDue = isTerminal ? atMs - shown.atMs >= 100 || fraction === 1 : tenth > shown.tenth;
    if (!isDue) return undefined;
    shown = { atMs, tenth };
    const amount = `${megabytes(receivedBytes)} of ${megabytes(totalBytes)} MB`;
    const percent = `${Math.floor(fraction * 100)} %`;
    const speed = rate.perSecond();
    const rest = speed > 0 ? `, ${megabytes(speed)} MB/s, ${duration((totalBytes - receivedBytes) / speed)} left` : "";
    return isTerminal ? `${bar(fraction)} ${percent}  ${amount}${rest}` : `downloaded ${percent}: ${amount}${rest}`;
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
