import { newTally, type Tally } from "../bulk/run.ts";
import type { Source } from "../bulk/sources/source.ts";
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
    process.stdin.destroy(); // a list that comes from there may have no end, and would keep the process running
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
  const { encoded, known, failed, toldAgain, codes } = tally;
  const reasons = Object.entries(codes).map(([code, times]) => `${count(times)} ${code}`);
  const why = reasons.length > 0 ? ` (${reasons.join(", ")})` : "";
  const facts = `${count(encoded)} encoded, ${count(known)} known already, ${count(failed)} failed${why}`;
  if (signal.aborted) {
    process.stderr.write(`${facts}; stopped: the same call goes on from here\n`);
    throw signal.reason;
  }
  process.stdout.write(`${facts}${conclusion}\n`);
  if (toldAgain > 0) {
    const again = `${count(toldAgain)} failure${toldAgain > 1 ? "s" : ""} of an earlier run`;
    process.stderr.write(`${again} told again: --retry-failed tries them anew\n`);
  }
  for (const remark of source.remarks?.() ?? []) process.stderr.write(`${remark}\n`);
  return failed > 0 ? 3 : 0;
}
