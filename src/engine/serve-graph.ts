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

/** Makes a row of a tensor of what it is given. @returns false for what somebody else is to make it of */
export type RowMaker = (source: Uint8Array, row: Uint8Array) => boolean;

/**
 * Serves the graph that `workerData` names, in the thread that calls this: it receives batches of tensors, sends embeddings
 * or a failure, and ends when told.
 */
export async function serveGraph(makeRow: RowMaker = () => false): Promise<void> {
  const port = parentPort!; // who calls this runs as a thread
  const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

  // The event loop and decoders need little, and at once: engines have the rest, which is nearly all.
  giveWayAsThread();
  const options = workerData as SessionOptions;
  const session = await openSession(options);
  let alone: GraphSession | undefined;

  /** Opens a session of one thread when it is first wanted. Where it cannot share the weights, the other one serves. */
  async function sessionOfOneThread(): Promise<GraphSession> {
    alone ??= await openSession({ ...options, threads: 1, mustBePacked: true }).catch(() => session);
    return alone;
  }

  async function run({ inputs, onOneThread }: WorkerRequest) {
    const chosen = onOneThread ? await sessionOfOneThread() : session;
    const startedAt = performance.now();
    const declined = inputs.flatMap((input) => makeRows(input, makeRow));
    const madeAt = performance.now();
    const kept = declined.length === 0 ? inputs : inputs.map((input) => without(declined, input));
    const embeddings = kept[0]!.dims[0] === 0 ? new Float32Array() : await chosen.run(kept);
    // Damaged weights, or an input at the edge of a number format, give vectors that nobody could compare.
    if (!embeddings.every(Number.isFinite)) throw new Error("the vectors are not finite");
    return { embeddings, declined, prepareMs: madeAt - startedAt, inferenceMs: performance.now() - madeAt };
  }

  port.on("message", async (request: WorkerRequest | "end") => {
    if (request === "end") return port.close(); // nothing else keeps the thread
    try {
      const result = await run(request);
      // The inputs go back, too: this thread hardly ever collects its garbage, and the one that made them uses them again.
      const inputs = request.inputs.map(({ data }) => data);
      reply(
        { kind: "result", ...result, inputs },
        [result.embeddings, ...inputs].map(({ buffer }) => buffer),
      );
    } catch (error) {
      reply({ kind: "failure", message: error instanceof Error ? error.message : String(error) });
    }
  });

  reply({ kind: "ready" });
}

/** Leaves rows out of a tensor, whose others close up within its memory. */
function without(rows: readonly number[], { name, data, dims }: Tensor): Tensor {
  const [all = 0, ...rest] = dims;
  const rowLength = data.length / all;
  let to = 0;
  for (let row = 0; row < all; row++) {
    if (!rows.includes(row)) data.copyWithin(rowLength * to++, rowLength * row, rowLength * (row + 1));
  }
  return { name, data: data.subarray(0, rowLength * to), dims: [to, ...rest] };
}

/** Makes the rows of a tensor that are not made. @returns those that could not be made, whose bytes may be any */
function makeRows({ data, dims, unmade = [] }: Tensor, makeRow: RowMaker): number[] {
  const rowLength = data.length / dims[0]!;
  const declined: number[] = [];
  for (const { row, at, length } of unmade) {
    const source = new Uint8Array(data.buffer, at, length);
    if (!makeRow(source, (data as Uint8Array).subarray(row * rowLength, (row + 1) * rowLength))) declined.push(row);
  }
  return declined;
}
