import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { EncoderError, toEncoderError } from "../errors.ts";
import type { QueueAddress } from "./address.ts";
import { type BullMQ, type BullWorker, openConnection, reasonOf, requireReachable, type ShardJobOf } from "./bullmq.ts";
import { createGate } from "./gate.ts";
import { needsCare, processShard, type ShardJob, type ShardWork } from "./process-shard.ts";
import type { ShardResult } from "./shard.ts";
import type { Suspicions } from "./suspicion.ts";

export interface WorkOptions {
  address: QueueAddress;
  name: string;
  work: ShardWork;
  /** A shard stays so long with a worker that does not answer; a living one renews it at half of that. */
  leaseMs: number;
  /** After `stop`, how long shards that were begun may take; then they are given back. */
  drainTimeoutMs: number;
  stop: AbortSignal;
  observer: WorkObserver;
}

export interface WorkObserver {
  onShard?(result: ShardResult, seconds: number): void;
  /** Called with the reason, a sentence, when this worker could not do a shard. */
  onRefused?(reason: string): void;
  /** Called with a shard's id when its lease ran out while this worker was busy with it: the shard is another one's now. */
  onLost?(id: string): void;
  onTrouble?(reason: string): void;
}

/** Two shards at a time, so that the engine has work while the first one's part is written. */
const concurrency = 2;
/** Deaths that are forgiven: two before a shard is looked at closely, and two for each of nine poisonous inputs in it. */
const mostDeaths = 20;
/** What one worker refuses, another one may do, so it waits a little; what many refuse, nobody can do. */
const refusalPauseMs = 2000;
const mostRefusals = 10;
/** A worker that can do nothing of what it gets is set up wrongly, and ends. */
const refusalsUntilEnd = 3;

/** Notes that are kept with a job between two workers. Whoever can write to the queue can write it, too. */
const notesSchema = z.object({
  refused: z.int().min(0).default(0),
  reason: z.string().max(1000).optional(),
  suspicions: z.unknown().optional(),
});

/** Gives the reason for which a worker could not do a shard, if its note says so. */
export const refusalIn = (note: unknown): string | undefined => notesSchema.safeParse(note).data?.reason;

/**
 * Takes shards from the queue and does them, until it is told to stop.
 * @throws EncoderError SHARD_REFUSED where this worker is set up for something else, STORAGE_FAILED where its output or inputs
 * went away, QUEUE_FAILED where the queue cannot be reached at the beginning.
 */
export async function workOnQueue(options: WorkOptions): Promise<void> {
  const { address, name, leaseMs, stop, observer, drainTimeoutMs } = options;
  const { bullmq, options: connection, backend } = await openConnection(address, name);
  const ended = new AbortController();
  const giveUp = new AbortController();
  let failure: EncoderError | undefined;
  const handler = createHandler(bullmq, {
    ...options,
    gate: createGate(),
    giveUp: giveUp.signal,
    leave(error) {
      failure ??= error;
      giveUp.abort(error);
      ended.abort();
    },
  });
  const settings = {
    ...connection,
    ...{ concurrency, lockDuration: leaseMs, stalledInterval: leaseMs, maxStalledCount: mostDeaths },
  };
  const worker: BullWorker = new bullmq.Worker(name, handler.run, settings as never, backend as never);
  let lastError: unknown;
  worker.on("error", (error) => {
    lastError = error;
    if (!isOfLease(error)) observer.onTrouble?.(reasonOf(error));
  });
  worker.on("lockRenewalFailed", (ids) => ids.forEach(handler.lose));
  await requireReachable(worker.waitUntilReady(), address, () => lastError).catch((error) => {
    worker.close(true).catch(() => {});
    throw error;
  });
  await untilAborted(AbortSignal.any([stop, ended.signal]));
  const timer = setTimeout(() => giveUp.abort(new Error("the worker ends")), drainTimeoutMs);
  await worker.close().finally(() => clearTimeout(timer));
  if (failure) throw failure;
}

interface HandlerOptions extends WorkOptions {
  gate: ReturnType<typeof createGate>;
  giveUp: AbortSignal;
  leave(error: EncoderError): void;
}

function createHandler(bullmq: BullMQ, options: HandlerOptions) {
  const { work, gate, giveUp, leaseMs, observer, leave } = options;
  const losing = new Map<string, AbortController>();
  let refusalsInARow = 0;

  function lose(id: string): void {
    const lost = losing.get(id);
    if (!lost) return; // the renewal came too late for a shard that is done or given back already
    losing.delete(id);
    lost.abort(new Error("the shard was given to another worker"));
    observer.onLost?.(id);
  }

  async function run(job: ShardJobOf, token = ""): Promise<ShardResult> {
    const lost = new AbortController();
    losing.set(job.id!, lost);
    const settle = () => losing.get(job.id!) === lost && losing.delete(job.id!); // it may be here a second time by now
    const shard = shardJob(job, { token, leaseMs, signal: AbortSignal.any([lost.signal, giveUp]) });
    const startedAt = performance.now();
    try {
      const result = await gate(needsCare(shard) ? "alone" : "shared", () => {
        shard.signal.throwIfAborted();
        return processShard(shard, work);
      });
      refusalsInARow = 0;
      observer.onShard?.(result, (performance.now() - startedAt) / 1000);
      return result;
    } catch (thrown) {
      if (lost.signal.aborted) throw thrown; // it is another worker's now, and BullMQ sees that
      settle(); // before its lease is given up
      throw await dispose(job, token, thrown);
    } finally {
      settle();
    }
  }

  /** Decides what becomes of a shard that was not done. @returns what BullMQ is to hear of it */
  async function dispose(job: ShardJobOf, token: string, thrown: unknown): Promise<unknown> {
    const error = toEncoderError(thrown);
    if (giveUp.aborted || error.code === "STORAGE_FAILED") {
      if (error.code === "STORAGE_FAILED") leave(error);
      await job.moveToWait(token);
      return new bullmq.WaitingError();
    }
    if (error.code === "SHARD_INVALID") return new bullmq.UnrecoverableError(error.message);
    if (error.code !== "SHARD_REFUSED") return error;
    observer.onRefused?.(error.message);
    const notes = notesOf(job);
    const refused = notes.refused + 1;
    if (++refusalsInARow >= refusalsUntilEnd) leave(error);
    if (refused >= mostRefusals) return new bullmq.UnrecoverableError(error.message);
    await job.updateProgress({ ...notes, refused, reason: error.message });
    await job.moveToDelayed(Date.now() + refusalPauseMs, token);
    return new bullmq.DelayedError();
  }

  return { run, lose };
}

function shardJob(
  job: ShardJobOf,
  { token, leaseMs, signal }: { token: string; leaseMs: number; signal: AbortSignal },
): ShardJob {
  return {
    id: job.id!,
    data: job.data,
    deaths: job.stalledCounter,
    signal,
    suspicions: {
      stored: notesOf(job).suspicions,
      store: (suspicions: Suspicions) => job.updateProgress({ ...notesOf(job), suspicions }),
    },
    async requireLock() {
      const isHeld = await job.extendLock(token, leaseMs);
      signal.throwIfAborted();
      if (isHeld <= 0) throw new EncoderError("QUEUE_FAILED", "The shard was given to another worker.");
    },
  };
}

const notesOf = ({ progress }: ShardJobOf) => notesSchema.safeParse(progress).data ?? { refused: 0 };

/**
 * Tells whether BullMQ complains of a lease only: it does so of shards that are done or given back, too, and `onLost` tells
 * of one that is really lost.
 */
function isOfLease(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return code === lockGone || code === lockOfAnother || error.message.startsWith("could not renew lock for job ");
}

/** BullMQ's codes where a job is to be finished by a worker that has it no longer. */
const [lockGone, lockOfAnother] = [-2, -6];

async function untilAborted(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await sleep(2 ** 31 - 1, undefined, { signal }).catch(() => {});
}
