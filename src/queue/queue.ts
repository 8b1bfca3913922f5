import { EncoderError } from "../errors.ts";
import type { QueueAddress } from "./address.ts";
import { openConnection, reasonOf, requireReachable } from "./bullmq.ts";
import type { Shard } from "./shard.ts";

/** Shows the queue to whoever fills and watches it. */
export interface ShardQueue {
  /** Does nothing where a job with this id is there already. */
  add(id: string, shard: Shard): Promise<void>;
  /** Undefined when there is no such job, or no longer. */
  stateOf(id: string): Promise<"failed" | "alive" | undefined>;
  reasonOf(id: string): Promise<string>;
  remove(id: string): Promise<void>;
  /** Gives the jobs that failed, the latest first. */
  failed(): Promise<{ id: string; reason: string }[]>;
  counts(): Promise<QueueCounts>;
  /** Gives failed jobs to the workers again. @returns how many there were */
  retryFailed(): Promise<number>;
  /** Removes all jobs that no worker has begun, failed ones included. */
  drain(): Promise<void>;
  /** Gives sentences about a server that is set up in a way that loses jobs or lets strangers in. */
  warnings(): Promise<string[]>;
  close(): Promise<void>;
}

export interface QueueCounts {
  waiting: number;
  active: number;
  failed: number;
  /** Age of the job that has waited longest; 0 where none waits. */
  oldestSeconds: number;
}

export interface OpenQueueOptions {
  address: QueueAddress;
  name: string;
  /** Called when the server is lost, which may come again. */
  onTrouble(reason: string): void;
}

/** Failed jobs that the queue keeps: enough to see what happened, in little memory. */
const keptFailures = 10_000;
/** Errors of which nobody knows what they are get two more tries. */
const attempts = 3;

/** @throws EncoderError QUEUE_FAILED where it cannot be reached */
export async function openQueue({ address, name, onTrouble }: OpenQueueOptions): Promise<ShardQueue> {
  const { bullmq, options, backend } = await openConnection(address, name);
  let lastError: unknown;
  const queue = new bullmq.Queue<unknown, unknown, string>(
    name,
    {
      ...options,
      defaultJobOptions: {
        attempts,
        backoff: { type: "fixed", delay: 1000 },
        removeOnComplete: true, // what is done stands in the output; a billion jobs would not fit
        removeOnFail: { count: keptFailures },
      },
    } as never, // the options are those of the backend that was chosen
    backend as never,
  );
  queue.on("error", (error) => {
    lastError = error;
    onTrouble(reasonOf(error));
  });
  await requireReachable(queue.waitUntilReady(), address, () => lastError).catch(async (error) => {
    queue.close().catch(() => {});
    throw error;
  });

  return {
    async add(id, shard) {
      await queue.add("shard", shard, { jobId: id });
    },
    async stateOf(id) {
      const state = await queue.getJobState(id);
      if (state === "unknown" || state === "completed") return undefined;
      return state === "failed" ? "failed" : "alive";
    },
    reasonOf: async (id) => (await queue.getJob(id))?.failedReason ?? "no reason was kept",
    async remove(id) {
      await queue.remove(id);
    },
    async failed() {
      const jobs = await queue.getFailed(0, keptFailures);
      return jobs.map(({ id, failedReason }) => ({ id: id!, reason: failedReason }));
    },
    async counts() {
      const counts = await queue.getJobCounts("waiting", "delayed", "active", "failed");
      const [oldest] = await queue.getJobs(["waiting"], 0, 0, true);
      const { waiting = 0, delayed = 0, active = 0, failed = 0 } = counts;
      const oldestSeconds = oldest ? Math.max(0, (Date.now() - oldest.timestamp) / 1000) : 0;
      return { waiting: waiting + delayed, active, failed, oldestSeconds };
    },
    async retryFailed() {
      const { failed = 0 } = await queue.getJobCounts("failed");
      await queue.retryJobs({ state: "failed" });
      return failed;
    },
    async drain() {
      await queue.drain(true);
      await queue.clean(0, 0, "failed");
    },
    async warnings() {
      const open =
        address.kind === "redis" && !address.isLoopback && !("password" in address.connection)
          ? [`${address.shown} has no password: whoever reaches it can write jobs and read the inputs' names`]
          : [];
      return [...open, ...(await memoryWarnings(queue, address))];
    },
    close: () => queue.close(),
  };
}

/** Redis may be told to drop keys when its memory is full: jobs would vanish without a word. */
async function memoryWarnings(queue: { getBackend(): unknown }, { kind, shown }: QueueAddress): Promise<string[]> {
  if (kind !== "redis") return [];
  const { client } = queue.getBackend() as { client: Promise<{ info(): Promise<string> }> }; // BullMQ's for Redis
  const info = await (await client).info().catch(() => "");
  const [, policy] = /^maxmemory_policy:(\S+)/m.exec(info) ?? [];
  if (policy === undefined || policy === "noeviction") return [];
  return [`${shown} has maxmemory-policy ${policy}: set noeviction, or Redis may drop jobs when its memory is full`];
}

export interface ShardEvents {
  close(): Promise<void>;
}

export interface ShardEventHandlers {
  onDone(id: string, result: unknown): void;
  onFailed(id: string, reason: string): void;
  /** Called when a worker died and its shard waits again. */
  onGivenBack(id: string): void;
  /** Called when a worker noted something about a shard. */
  onNote(id: string, note: unknown): void;
}

/** Hears of what all workers do. Events can be lost, so whoever waits for a shard must also look. */
export async function watchQueue(
  { address, name, onTrouble }: OpenQueueOptions,
  { onDone, onFailed, onGivenBack, onNote }: ShardEventHandlers,
): Promise<ShardEvents> {
  const { bullmq, options, backend } = await openConnection(address, name);
  const events = new bullmq.QueueEvents(name, options as never, backend as never); // as above
  events.on("error", (error) => onTrouble(reasonOf(error)));
  events.on("completed", ({ jobId, returnvalue }) => onDone(jobId, returnvalue));
  events.on("failed", ({ jobId, failedReason }) => onFailed(jobId, failedReason));
  events.on("stalled", ({ jobId }) => onGivenBack(jobId));
  events.on("progress", ({ jobId, data }) => onNote(jobId, data));
  await events.waitUntilReady().catch((cause) => {
    throw new EncoderError("QUEUE_FAILED", `The queue at ${address.shown} cannot be used: ${reasonOf(cause)}.`);
  });
  return { close: () => events.close() };
}
