import { stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { EncoderError } from "../errors.ts";
import { entryBeside } from "../host/entry.ts";
import { threadFlags } from "../host/thread-flags.ts";
import type { BatchResult, Engine, Tensor } from "./contract.ts";
import "./no-telemetry.ts";
import type { WorkerReply, WorkerRequest } from "./serve-graph.ts";
import type { SessionOptions } from "./session.ts";

export interface EngineOptions extends SessionOptions {
  /** A batch that takes longer hangs, and its thread is ended. */
  timeoutMs: number;
  onDeath?: (reason: string) => void;
  /** What `graphIdentity` gave when the model was opened; by default, what it gives now. */
  identity?: string | undefined;
  /** Ends the start. It means nothing afterwards. */
  signal?: AbortSignal | undefined;
  /** Starts a thread that calls `serveGraph`. */
  spawn?: (workerData: SessionOptions) => Worker;
}

/** @param script what calls `serveGraph`; by default, for an engine whose tensors come as they are */
export function spawnEngine(
  workerData: SessionOptions,
  script = entryBeside(import.meta.url, "worker").thread,
): Worker {
  const resourceLimits = { maxYoungGenerationSizeMb: 4 }; // vectors and tensors lie outside the heap
  return new Worker(script, { ...{ workerData, name: "engine", resourceLimits }, ...threadFlags() });
}

/** A thread that runs one batch at a time: whoever calls `run` waits for its result. */
interface EngineThread {
  run(request: WorkerRequest): Promise<BatchResult>;
  close(): Promise<void>;
}

/**
 * Starts a graph in a thread of its own and waits until it is loaded. A thread that dies fails its batch with
 * ENGINE_FAILED; the next batch starts a new one, of the same file only: vectors of two models must not mix.
 * @throws EncoderError ENGINE_FAILED when the graph cannot be loaded; the signal's reason when aborted.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  let closed = false;
  let thread: Promise<EngineThread> | undefined;
  const onDeath = (reason: string) => {
    thread = undefined;
    options.onDeath?.(reason);
  };
  const identity = options.identity ?? (await graphIdentity(options.graph));
  await requireSameGraph();
  options.signal?.throwIfAborted();
  thread = startThread({ ...options, onDeath });
  await thread;

  async function requireSameGraph(): Promise<void> {
    if ((await graphIdentity(options.graph)) === identity) return;
    throw engineFailed("the model's files were replaced or removed while it was served; start the service anew");
  }

  async function restart(): Promise<EngineThread> {
    await requireSameGraph();
    // Requests wait for a thread that replaces another, so its loading has a limit, too.
    return startThread({ ...options, signal: undefined, onDeath }, options.timeoutMs);
  }

  async function run(inputs: Tensor[], onOneThread: boolean) {
    if (closed) throw new EncoderError("SHUTTING_DOWN", "The engine is closed.");
    thread ??= restart().catch((error) => {
      thread = undefined; // the next batch tries again
      throw error instanceof EncoderError ? error : engineFailed(String(error));
    });
    return (await thread).run({ inputs, onOneThread });
  }

  return {
    run: (inputs) => run(inputs, false),
    // A second session of a graph that is not packed would have weights of its own.
    ...(options.packed !== undefined && { runOnOneThread: (inputs: Tensor[]) => run(inputs, true) }),
    async close() {
      closed = true;
      await thread?.then((it) => it.close()).catch(() => {});
    },
  };
}

/** Device, inode, size and time of change, which tell a file from another one in its place. */
export async function graphIdentity(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && [found.dev, found.ino, found.size, found.mtimeMs].join();
}

/** Resolves when the graph is loaded. */
function startThread(options: EngineOptions, loadTimeoutMs?: number): Promise<EngineThread> {
  const { graph, packed, mustBePacked, threads, largestPair, device = "cpu", timeoutMs, onDeath, signal } = options;
  const { spawn = spawnEngine } = options;
  const worker = spawn({ graph, packed, mustBePacked, threads, largestPair, device });
  let pending: { resolve: (reply: WorkerReply) => void; reject: (error: Error) => void } | undefined;
  let alive = true;
  let stopping = false;

  const nextReply = () =>
    new Promise<WorkerReply>((resolve, reject) => {
      pending = { resolve, reject };
    });
  const die = (reason: string) => {
    if (!alive) return;
    alive = false;
    if (!stopping) onDeath?.(reason);
    pending?.reject(engineFailed(reason));
  };
  // The thread ends itself when the graph that it may be in returns. To terminate it there would end this process: the
  // runtime's binding meets a stopped interpreter and throws where nobody can catch it.
  const endThread = () => worker.postMessage("end");
  const endUnlessWithin = (ms: number, what: string) =>
    setTimeout(() => {
      die(`no ${what} within ${ms} ms`);
      endThread();
    }, ms);
  worker.on("message", (reply: WorkerReply) => pending?.resolve(reply));
  worker.on("error", (error) => die(error.message));
  const exited = new Promise<void>((resolve) => {
    worker.on("exit", (code) => {
      die(`its thread ended with code ${code}`);
      resolve();
    });
  });

  const thread: EngineThread = {
    async run(request) {
      if (!alive) throw engineFailed("its thread is gone");
      const answer = nextReply();
      const transferred = request.inputs.map((input) => input.data.buffer);
      worker.postMessage(request, transferred);
      const hang = endUnlessWithin(timeoutMs, "result");
      try {
        const reply = await answer;
        if (reply.kind === "result") return reply;
        throw engineFailed(reply.kind === "failure" ? reply.message : "an unexpected message");
      } finally {
        clearTimeout(hang);
        pending = undefined;
      }
    },
    async close() {
      stopping = true;
      endThread();
      await exited;
    },
  };
  const abort = () => {
    pending?.reject(signal?.reason);
    void thread.close();
  };
  signal?.addEventListener("abort", abort, { once: true });
  const hang = loadTimeoutMs === undefined ? undefined : endUnlessWithin(loadTimeoutMs, "graph");
  return nextReply()
    .then(() => thread)
    .finally(() => {
      pending = undefined;
      clearTimeout(hang);
      signal?.removeEventListener("abort", abort);
    });
}

function engineFailed(reason: string): EncoderError {
  return new EncoderError("ENGINE_FAILED", "The inference engine failed on this input.", { internal: reason });
}
