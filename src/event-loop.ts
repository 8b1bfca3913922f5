import { performance } from "node:perf_hooks";

const sampleEveryMs = 50;

/** Tells how late this thread's timers come, twenty times a second, as long as something else keeps the process running. */
export function watchLag(onLag: (lagMs: number) => void): void {
  let dueAt = performance.now() + sampleEveryMs;
  setInterval(() => {
    const now = performance.now();
    onLag(Math.max(0, now - dueAt));
    dueAt = now + sampleEveryMs;
  }, sampleEveryMs).unref();
}

/** A function that tells how busy this thread was since it was last asked, from 0 to 1. */
export function utilization(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const share = performance.eventLoopUtilization(now, before).utilization;
    before = now;
    return share;
  };
}
