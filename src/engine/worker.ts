/** Runs as a thread that owns one graph: it receives batches of tensors, sends embeddings or a failure, and ends when told. */
import { parentPort, workerData } from "node:worker_threads";
import type { Tensor } from "./contract.ts";
import { openSession, type SessionOptions } from "./session.ts";

export type WorkerReply =
  | { kind: "ready" }
  | { kind: "result"; embeddings: Float32Array<ArrayBuffer>; inferenceMs: number }
  | { kind: "failure"; message: string };

const port = parentPort!; // this file only ever runs as a thread
const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

const session = await openSession(workerData as SessionOptions);

port.on("message", async (inputs: Tensor[] | "end") => {
  if (inputs === "end") return port.close(); // nothing else keeps the thread
  try {
    const started = performance.now();
    const embeddings = await session.run(inputs);
    // Damaged weights, or an input at the edge of a number format, give vectors that nobody could compare.
    if (!embeddings.every(Number.isFinite)) throw new Error("the vectors are not finite");
    reply({ kind: "result", embeddings, inferenceMs: performance.now() - started }, [embeddings.buffer]);
  } catch (error) {
    reply({ kind: "failure", message: error instanceof Error ? error.message : String(error) });
  }
});

reply({ kind: "ready" });
