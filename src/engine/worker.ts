/** Runs as a thread that owns one graph: it receives batches of tensors, sends embeddings or a failure, and ends when told. */
import { parentPort, workerData } from "node:worker_threads";
import { giveWayAsThread } from "../host/give-way.ts";
import type { BatchResult, Tensor } from "./contract.ts";
import { type GraphSession, openSession, type SessionOptions } from "./session.ts";

export interface WorkerRequest {
  inputs: Tensor[];
  /** The batch is to be computed by this thread alone, although the engine has more. */
  onOneThread: boolean;
}

export type WorkerReply =
  | { kind: "ready" }
  | ({ kind: "result"; embeddings: Float32Array<ArrayBuffer> } & Omit<BatchResult, "embeddings">)
  | { kind: "failure"; message: string };

const port = parentPort!; // this file only ever runs as a thread
const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

// The event loop and decoders need little, and at once: engines have the rest, which is nearly all.
giveWayAsThread();
const options = workerData as SessionOptions;
const session = await openSession(options);
let alone: GraphSession | undefined;

port.on("message", async (request: WorkerRequest | "end") => {
  if (request === "end") return port.close(); // nothing else keeps the thread
  const { onOneThread } = request;
  try {
    const chosen = onOneThread ? await sessionOfOneThread() : session;
    const started = performance.now();
    const embeddings = await chosen.run(request.inputs);
    // Damaged weights, or an input at the edge of a number format, give vectors that nobody could compare.
    if (!embeddings.every(Number.isFinite)) throw new Error("the vectors are not finite");
    // The inputs go back, too: this thread hardly ever collects its garbage, and the one that made them uses them again.
    const inputs = request.inputs.map(({ data }) => data);
    const transferred = [embeddings, ...inputs].map(({ buffer }) => buffer);
    reply({ kind: "result", embeddings, inferenceMs: performance.now() - started, inputs }, transferred);
  } catch (error) {
    reply({ kind: "failure", message: error instanceof Error ? error.message : String(error) });
  }
});

/** Opens a session of one thread when it is first wanted. Where it cannot share the weights, the other one serves. */
async function sessionOfOneThread(): Promise<GraphSession> {
  alone ??= await openSession({ ...options, threads: 1, mustBePacked: true }).catch(() => session);
  return alone;
}

reply({ kind: "ready" });
