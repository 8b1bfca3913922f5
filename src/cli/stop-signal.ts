import { constants } from "node:os";

export interface Stop {
  /** Aborts when the process should end; nothing new should then be begun. */
  signal: AbortSignal;
  /** Exit code of a command that ended as asked, and of one that was interrupted. */
  code: { ended: number; interrupted: number };
}

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * The first SIGTERM, SIGINT or SIGHUP asks for an end, the second forces it. An error that nobody caught has left the
 * process in a state that nobody knows: it is told, what is in flight gets its chance, and the process ends with 1.
 * Handlers are also what makes signals reach a container's first process at all.
 */
export function stopOnSignals(): Stop {
  const controller = new AbortController();
  const stop: Stop = { signal: controller.signal, code: { ended: 0, interrupted: 1 } };
  for (const name of signals) {
    const code = 128 + constants.signals[name];
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(code);
      stop.code.interrupted = code;
      controller.abort(new Error(name));
    });
  }
  process.on("uncaughtException", (error) => {
    process.stderr.write(`image-text-encoder: unforeseen failure: ${error.stack ?? error}\n`); // unhandled rejections, too
    if (stop.signal.aborted) process.exit(1);
    stop.code = { ended: 1, interrupted: 1 };
    controller.abort(error);
  });
  return stop;
}
