import { Worker } from "node:worker_threads";
import { entryBeside } from "../host/entry.ts";
import { threadFlags } from "../host/thread-flags.ts";
import "./no-telemetry.ts";

/**
 * Runs a thread that does one thing and sends null, or what is wrong: work that would hold up the calling one. The thread
 * ends by itself, since one that is in the runtime cannot be ended.
 * @param name of the script in this folder @param workerData what the script reads
 * @returns what is wrong, if anything is @throws the signal's reason when aborted, once the thread has ended
 */
export async function askThread(name: string, workerData: unknown, signal?: AbortSignal): Promise<string | undefined> {
  const worker = new Worker(entryBeside(import.meta.url, name).thread, { name, workerData, ...threadFlags() });
  let answer: string | undefined | null;
  worker.on("message", (message: string | null) => {
    answer = message;
  });
  worker.on("error", (error) => {
    answer = error.message;
  });
  const code = await new Promise<number>((resolve) => worker.on("exit", resolve));
  signal?.throwIfAborted();
  return answer === undefined ? `its thread ended with code ${code}` : (answer ?? undefined);
}
