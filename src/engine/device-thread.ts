/** Runs as a thread that opens a tiny graph on the GPU, and sends null, or what the runtime says is wrong. */
import { parentPort } from "node:worker_threads";
import { probeModel } from "./saturation-probe.ts";
import { openGraph } from "./session.ts";

const port = parentPort!; // this file only ever runs as a thread
try {
  const session = await openGraph(probeModel, { threads: 1, device: "cuda" });
  await session.release();
  port.postMessage(null);
} catch (error) {
  port.postMessage(error instanceof Error ? error.message : String(error));
}
