/**
 * Runs as a thread that opens a tiny graph on the GPU, and sends null, or what is wrong. Its data is the path of the
 * runtime's CUDA provider.
 */
import { parentPort, workerData } from "node:worker_threads";
import { probeModel } from "./saturation-probe.ts";
import { openGraph, silenceRuntime } from "./session.ts";
import { whyNotLoaded } from "./shared-library.ts";

const port = parentPort!; // this file only ever runs as a thread
try {
  silenceRuntime(); // what it would say is in the error
  const session = await openGraph(probeModel, { threads: 1, device: "cuda" });
  await session.release();
  port.postMessage(null);
} catch (error) {
  const failure = error instanceof Error ? error.message : String(error);
  const isUnloaded = failure.includes("Failed to load shared library");
  port.postMessage(isUnloaded ? `${failure}: ${whyNotLoaded(workerData)}` : failure);
}
