import { newTally, type Tally } from "../bulk/run.ts";
import type { PassedOver, Source } from "../bulk/sources/source.ts";
import { printable } from "../model/path-name.ts";
import { showProgress } from "./bulk-progress.ts";
import { countItems } from "./count-items.ts";
import { count } from "./progress-text.ts";

export interface BulkCall {
  source: Source;
  jsonProgress: boolean;
  signal: AbortSignal;
}

/**
 * Shows a bulk run's progress while it works, and what became of its inputs in the end.
 * @param work gives what to say behind these facts
 * @returns the exit code
 * @throws the signal's reason where the run was interrupted, after saying how it goes on
 */
export async function callBulk(
  { source, jsonProgress, signal }: BulkCall,
  work: (tally: Tally) => Promise<string>,
): Promise<number> {
  const tally = newTally();
  const total = { items: 0, isFinal: false };
  const counting = countItems(source, total, signal);
  const shown = showProgress({ tally, total }, { stream: process.stderr, asJson: jsonProgress });
  const tellStop = () => {
    const clear = process.stderr.isTTY && !jsonProgress ? "\r\x1b[K" : "";
    process.stderr.write(`${clear}finishing what is under way; a second Ctrl-C ends at once\n`);
  };
  signal.addEventListener("abort", tellStop, { once: true });
  let conclusion: string;
  try {
    conclusion = await work(tally);
  } finally {
    signal.removeEventListener("abort", tellStop);
    shown.stop();
    await counting.end();
  }
  const { encoded, known, failed, codes } = tally;
  const reasons = Object.entries(codes).map(([code, times]) => `${count(times)} ${code}`);
  const why = reasons.length > 0 ? ` (${reasons.join(", ")})` : "";
  const facts = `${count(encoded)} encoded, ${count(known)} known already, ${count(failed)} failed${why}`;
  if (signal.aborted) {
    process.stderr.write(`${facts}; stopped: the same call goes on from here\n`);
    throw signal.reason;
  }
  process.stdout.write(`${facts}${conclusion}\n`);
  process.stderr.write(archivesHint(source.passedOver?.()));
  return failed > 0 ? 3 : 0;
}

function archivesHint({ count: archives, first }: PassedOver = { count: 0 }): string {
  if (first === undefined) return "";
  const others = archives > 1 ? ` and ${count(archives - 1)} other${archives > 2 ? "s" : ""}` : "";
  return `passed over the archive ${printable(first)}${others}: a tar is read where it is named, as in "shards/*.tar"\n`;
}
