/** Runs as a thread that opens a graph, and writes it packed where told so; it sends null, or what is wrong. */
import { parentPort, workerData } from "node:worker_threads";
import type { PackOptions } from "./pack.ts";
import { openGraph } from "./session.ts";

const port = parentPort!; // this file only ever runs as a thread
try {
  const { graph, ...options } = workerData as PackOptions;
  const session = await openGraph(graph, { threads: 1, ...options });
  await session.release();
  port.postMessage(null);
} catch (error) {
  port.postMessage(error instanceof Error ? error.message : String(error));
}
