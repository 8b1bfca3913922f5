import { isLasting, type Tally } from "../bulk/run.ts";
import type { Source } from "../bulk/sources/source.ts";
import { EncoderError, type ErrorCode } from "../errors.ts";
import { inOrder } from "../scheduling/in-order.ts";
import type { QueueAddress } from "./address.ts";
import { finishOutput } from "./finish-output.ts";
import { type Mark, markPath, readMark } from "./marks.ts";
import { createOutstanding, type Outstanding } from "./outstanding.ts";
import { openQueue, type ShardQueue } from "./queue.ts";
import { rowOf } from "./references.ts";
import { openRun, type RunFacts } from "./run-record.ts";
import { type Shard, type ShardRow, shardId } from "./shard.ts";
import type { SharedStore } from "./store.ts";

export interface QueuedRunOptions extends RunFacts {
  address: QueueAddress;
  name: string;
  store: SharedStore;
  source: Source;
  /** Shards in the queue at a time. It bounds the queue's memory, however many inputs there are. */
  ahead: number;
  /** Failures of earlier runs that are tried again. */
  retry: ErrorCode | "any" | undefined;
  /** Temporary files are made in this folder. */
  scratch: string;
  stop: AbortSignal;
  tally: Tally;
  /** Called with a sentence that somebody should read. */
  onWarning(sentence: string): void;
}

export interface QueuedRunResult {
  /** Inputs that killed workers. */
  poisoned: number;
  /** Shards without a result, and why the first of them has none. */
  failedShards: { count: number; reason: string } | undefined;
}

/** The first inputs of a run are tried before the rest is queued: a wrong model or a missing mount shows after seconds. */
const trialSize = 8;
/** Inputs whose size and time are asked at the same time, and shards whose marks are read: a share answers slowly. */
const lanes = 32;
const window = 4096;

/**
 * Cuts the inputs into shards, lets workers do those that are not marked as done, and waits for them.
 * @throws EncoderError OUTPUT_REFUSED, QUEUE_FAILED, STORAGE_FAILED; SHARD_REFUSED where the trial failed.
 */
export async function runQueued(options: QueuedRunOptions): Promise<QueuedRunResult> {
  const { address, name, store, stop, onWarning } = options;
  const run = await openRun(store, options);
  const onTrouble = sayTrouble(onWarning);
  const queue = await openQueue({ address, name, onTrouble });
  try {
    for (const warning of await queue.warnings()) onWarning(warning);
    const resultOf = async (id: string, { part }: Shard) => {
      const mark = await readMark(store, part);
      return mark?.shard === id ? { encoded: mark.encoded, failed: mark.failures.length } : undefined;
    };
    const outstanding = await createOutstanding({ ...options, queue, onTrouble, resultOf });
    try {
      const { parts, known } = await enqueueAll({ ...options, run: run.id, queue, outstanding });
      await outstanding.settled();
      const failedShards = outstanding.failures();
      if (stop.aborted) return { poisoned: 0, failedShards };
      const withFailures = [...known, ...outstanding.withFailures].sort((a, b) => a - b);
      return { ...(await finishOutput({ ...options, parts, withFailures })), failedShards };
    } finally {
      await outstanding.close();
    }
  } finally {
    await queue.close();
  }
}

interface Enqueueing extends QueuedRunOptions {
  run: string;
  queue: ShardQueue;
  outstanding: Outstanding;
}

/** @returns how many parts the output has, and which of those that were done before have failures */
async function enqueueAll(options: Enqueueing): Promise<{ parts: number; known: number[] }> {
  const { store, tally, stop, retry, queue, outstanding } = options;
  const stale = new Set((await queue.failed()).map(({ id }) => id));
  const add = async (shard: Shard) => {
    const id = shardId(shard);
    if (stale.delete(id)) await queue.remove(id); // it failed in an earlier run, and would stay failed
    await outstanding.add(id, shard);
  };
  const known: number[] = [];
  let parts = 0;
  let isTried = false;
  for await (const { shard, mark } of marked(options)) {
    const part = parts++;
    if (mark?.shard === shardId(shard) && !isToRetry(mark, retry)) {
      tally.known += mark.encoded;
      tally.failed += mark.failures.length;
      if (mark.failures.length > 0) known.push(part);
      continue;
    }
    if (!isTried) await tryFirst(shard, add, options);
    isTried = true;
    if (mark) await store.remove(markPath(part));
    await outstanding.room();
    if (stop.aborted) break;
    await add(shard);
  }
  return { parts, known };
}

/** The shards of the run, each with the mark of its part if there is one. */
function marked(options: Enqueueing): AsyncGenerator<{ shard: Shard; mark: Mark | undefined }> {
  const { run, model, tower, format, dtype, store, stop } = options;
  let parts = 0;
  const withMark = async (rows: ShardRow[]) => {
    const part = parts++;
    return { shard: { run, model, tower, format, dtype, part, rows }, mark: await readMark(store, part) };
  };
  return inOrder(cut(options), withMark, { lanes, window: lanes, stop });
}

async function* cut({ source, shardSize, stop }: Enqueueing): AsyncGenerator<ShardRow[]> {
  let rows: ShardRow[] = [];
  for await (const row of inOrder(source.items(), rowOf, { lanes, window, stop })) {
    rows.push(row);
    if (rows.length < shardSize) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0 && !stop.aborted) yield rows;
}

/** @throws EncoderError SHARD_REFUSED saying why no worker could do even a few inputs */
async function tryFirst(
  shard: Shard,
  add: (shard: Shard) => Promise<void>,
  { outstanding, store, stop }: Enqueueing,
): Promise<void> {
  await store.remove(markPath("trial")); // else a worker would take the trial for done
  await add({ ...shard, part: "trial", rows: shard.rows.slice(0, trialSize) });
  await outstanding.settled();
  const failure = outstanding.failures();
  if (!failure || stop.aborted) return;
  const message = `The first inputs could not be encoded, so nothing else was queued: ${failure.reason}`;
  throw new EncoderError("SHARD_REFUSED", message);
}

/** As in a run on one machine, only failures that would happen again are kept. */
function isToRetry({ failures }: Mark, retry: ErrorCode | "any" | undefined): boolean {
  return failures.some(
    ({ code }) => retry === "any" || retry === code || !(isLasting(code) || code === "POISON_INPUT"),
  );
}

/** A server that is away is told once a minute. */
function sayTrouble(onWarning: (sentence: string) => void): (reason: string) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (reason) => {
    if (performance.now() - lastMs < 60_000) return;
    lastMs = performance.now();
    onWarning(`the queue cannot be reached: ${reason}; trying again`);
  };
}
