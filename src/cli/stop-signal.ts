import { constants } from "node:os";

export interface Stop {
  /** Aborts when the process should end; nothing new should then be begun. */
  signal: AbortSignal;
  /** 0, or 1 where something unforeseen was the reason. */
  exitCode(): number;
}

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * The first SIGTERM, SIGINT or SIGHUP asks for an end, the second forces it. An error that nobody caught has left the
 * process in a state that nobody knows: it is told, what is in flight gets its chance, and the process ends with 1.
 * Handlers are also what makes signals reach a container's first process at all.
 */
export function stopSignal(): Stop {
  const controller = new AbortController();
  let code = 0;
  for (const name of signals) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
      controller.abort(new Error(name));
    });
  }
  const onUnforeseen = (thrown: unknown) => {
    const text = thrown instanceof Error ? thrown.stack : String(thrown);
    process.stderr.write(`image-text-encoder: unforeseen failure: ${text}\n`);
    code = 1;
    if (controller.signal.aborted) process.exit(1);
    controller.abort(thrown);
  };
  process.on("uncaughtException", onUnforeseen); // rejections that nobody handles come here, too
  return { signal: controller.signal, exitCode: () => code };
}
