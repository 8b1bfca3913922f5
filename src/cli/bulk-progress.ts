import type { Tally } from "../bulk/run.ts";

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
/** The rate is that of the last seconds, so that it follows the machine and does not jump. */
const rateWindowMs = 10_000;

/** Shows a run's progress until it is stopped: one line on a terminal, a line now and then elsewhere. */
export function showProgress(
  progress: BulkProgress,
  { stream, asJson, nowMs = () => performance.now() }: ProgressOptions,
) {
  const isTerminal = stream.isTTY === true && !asJson;
  const startedAt = nowMs();
  let samples = [{ atMs: startedAt, done: 0 }];
  const sample = () => {
    const atMs = nowMs();
    samples = [...samples.filter((it) => it.atMs > atMs - rateWindowMs), { atMs, done: doneOf(progress.tally) }];
  };
  const show = () => {
    sample();
    const facts = factsOf(progress, rateOf(samples));
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
  const bar = withBar && total ? `[${"#".repeat(Math.round((24 * done) / total)).padEnd(24, "-")}] ` : "";
  const parts = [
    total === null ? count(done) : `${count(done)} of ${count(total)}`,
    `${rate.toFixed(1)}/s`,
    ...(known > 0 ? [`${count(known)} known`] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(left === null ? [] : [`${duration(left)} left`]),
  ];
  return bar + parts.join(", ");
}

function rateOf(samples: readonly { atMs: number; done: number }[]): number {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  return last.atMs > first.atMs ? (1000 * (last.done - first.done)) / (last.atMs - first.atMs) : 0;
}

const doneOf = ({ encoded, known, failed }: Tally) => encoded + known + failed;

/** Writes 1234567 as 1,234,567. */
export const count = (value: number) => value.toLocaleString("en-US");

/** Writes 75 seconds as 1:15, and 3675 as 1:01:15. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
