import type { Tally } from "../bulk/run.ts";
import { bar, count, createRate, duration } from "./progress-text.ts";

export interface BulkProgress {
  tally: Tally;
  /** Tells what was counted so far, and whether that is all. */
  total: { items: number; isFinal: boolean };
}

export interface ProgressOptions {
  stream: { write(text: string): unknown; isTTY?: boolean };
  asJson: boolean;
  nowMs?: () => number;
}

const terminalMs = 200;
const plainMs = 10_000;

/** Shows a run's progress until it is stopped: one line on a terminal, a line now and then elsewhere. */
export function showProgress(
  progress: BulkProgress,
  { stream, asJson, nowMs = () => performance.now() }: ProgressOptions,
) {
  const isTerminal = stream.isTTY === true && !asJson;
  const startedAt = nowMs();
  const rate = createRate({ windowMs: 10_000 });
  rate.note(startedAt, 0);
  const sample = () => rate.note(nowMs(), doneOf(progress.tally));
  const show = () => {
    sample();
    const facts = factsOf(progress, rate.perSecond());
    if (asJson) stream.write(`${JSON.stringify(facts)}\n`);
    else if (isTerminal) stream.write(`\r\x1b[K${progressLine(facts, true)}`);
    else stream.write(`${progressLine(facts, false)}\n`);
  };
  const timer = setInterval(show, isTerminal ? terminalMs : plainMs);
  timer.unref();
  const sampler = setInterval(sample, 1000);
  sampler.unref();
  return {
    stop() {
      clearInterval(timer);
      clearInterval(sampler);
      if (asJson) show();
      if (isTerminal) stream.write("\r\x1b[K");
    },
    seconds: () => (nowMs() - startedAt) / 1000,
  };
}

export interface ProgressFacts extends Tally {
  done: number;
  total: number | null;
  per_second: number;
  seconds_left: number | null;
}

function factsOf({ tally, total }: BulkProgress, perSecond: number): ProgressFacts {
  const done = doneOf(tally);
  const isKnown = total.isFinal && total.items >= done;
  const secondsLeft = isKnown && perSecond > 0 ? Math.ceil((total.items - done) / perSecond) : null;
  const rounded = Math.round(10 * perSecond) / 10;
  return { done, total: isKnown ? total.items : null, ...tally, per_second: rounded, seconds_left: secondsLeft };
}

/** Writes `[####----] 1,234 of 5,000, 56.8/s, 2 failed, 1:07 left`. */
export function progressLine(facts: ProgressFacts, withBar: boolean): string {
  const { done, total, failed, known, per_second: rate, seconds_left: left } = facts;
  const share = withBar && total ? `${bar(done / total)} ` : "";
  const parts = [
    total === null ? count(done) : `${count(done)} of ${count(total)}`,
    `${rate.toFixed(1)}/s`,
    ...(known > 0 ? [`${count(known)} known`] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(left === null ? [] : [`${duration(left)} left`]),
  ];
  return share + parts.join(", ");
}

const doneOf = ({ encoded, known, failed }: Tally) => encoded + known + failed;
