import { constants } from "node:os";

export interface Stop {
  /** Aborts when the process should end. From then on nothing new should begin. */
  signal: AbortSignal;
  /** A command that ended as asked has the first exit code, one that was interrupted the second. */
  code: { ended: number; interrupted: number };
}

/** What a command that was interrupted ends with, by the signal, for its help. */
export const interruptedCodes = {
  130: "interrupted by Ctrl-C (SIGINT); the same call goes on",
  143: "the same by SIGTERM, and 129 by SIGHUP",
};

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * The first SIGTERM, SIGINT or SIGHUP asks the process to end, the second forces it. An error that nobody caught leaves
 * the process in an unknown state: it is printed, requests in flight get their chance, and the process ends with 1. A
 * container's first process receives signals only because it has these handlers.
 */
export function stopOnSignals(): Stop {
  const controller = new AbortController();
  const stop: Stop = { signal: controller.signal, code: { ended: 0, interrupted: 1 } };
  for (const name of signals) {
    const code = 128 + constants.signals[name];
    process.on(name, () => {
      if (stop.signal.aborted) return endBy(name, code);
      stop.code.interrupted = code;
      controller.abort(new Error(name));
    });
  }
  process.on("uncaughtException", (error) => {
    // Unhandled rejections arrive here, too.
    process.stderr.write(`image-text-encoder: unforeseen failure: ${error.stack ?? error}\n`);
    if (stop.signal.aborted) process.exit(1);
    stop.code = { ended: 1, interrupted: 1 };
    controller.abort(error);
  });
  return stop;
}

/**
 * Ends at once by the signal itself, which shells report as `code`: process.exit() would wait for the graph that runs, and
 * then end with SIGABRT. A container's first process cannot end itself by a signal, and exits.
 */
function endBy(name: NodeJS.Signals, code: number): void {
  process.removeAllListeners(name);
  process.kill(process.pid, name);
  process.exit(code);
}
