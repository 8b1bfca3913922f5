import type { Tally } from "../bulk/run.ts";
import type { QueueAddress } from "./address.ts";
import { type ShardQueue, watchQueue } from "./queue.ts";
import { type Shard, type ShardResult, shardResultSchema } from "./shard.ts";
import { refusalIn } from "./work.ts";

/** Keeps the shards of a run that are in the queue and not done. */
export interface Outstanding {
  add(id: string, shard: Shard): Promise<void>;
  /** Resolves when there is room for one more. */
  room(): Promise<void>;
  /** Resolves when none is left. */
  settled(): Promise<void>;
  /** Numbers of parts that are done and in which inputs failed. */
  readonly withFailures: ReadonlySet<number>;
  failures(): { count: number; reason: string } | undefined;
  close(): Promise<void>;
}

export interface OutstandingOptions {
  address: QueueAddress;
  name: string;
  queue: ShardQueue;
  /** Most shards of this run that the queue holds at a time. */
  ahead: number;
  /** Once aborted nothing is waited for. */
  stop: AbortSignal;
  tally: Tally;
  onWarning(sentence: string): void;
  onTrouble(reason: string): void;
  /** Tells what a shard came to, if it is marked as done in the output. */
  resultOf(id: string, shard: Shard): Promise<ShardResult | undefined>;
}

/** How often it is looked whether events were missed, and after how long the absence of workers is told. */
const lookMs = 5000;
const silenceMs = 20_000;
/** Shards that are looked at each time: the oldest ones, since it is their turn to be done. */
const lookedAt = 64;

export async function createOutstanding(options: OutstandingOptions): Promise<Outstanding> {
  const { queue, ahead, stop, tally, onWarning } = options;
  const shards = new Map<string, Shard>();
  const withFailures = new Set<number>();
  const failures: string[] = [];
  let wake = () => {};
  let lastChangeMs = performance.now();
  const say = oncePerText(onWarning);

  const until = async (isSo: () => boolean) => {
    while (!isSo() && !stop.aborted) await new Promise<void>((resolve) => (wake = resolve));
  };
  stop.addEventListener("abort", () => wake(), { once: true });
  const take = (id: string) => {
    const shard = shards.get(id);
    shards.delete(id);
    lastChangeMs = performance.now();
    wake();
    return shard;
  };
  const done = (id: string, { encoded, failed }: ShardResult) => {
    const shard = take(id);
    if (!shard || shard.part === "trial") return;
    tally.encoded += encoded;
    tally.failed += failed;
    if (failed > 0) withFailures.add(shard.part);
  };
  const fail = (id: string, reason: string) => {
    if (take(id)) failures.push(reason);
  };

  const events = await watchQueue(options, {
    onDone(id, result) {
      const parsed = shardResultSchema.safeParse(result);
      if (parsed.success) done(id, parsed.data);
    },
    onFailed: fail,
    onGivenBack(id) {
      if (shards.has(id)) onWarning("a worker died or lost the queue; its shard is given to another one");
    },
    onNote(id, note) {
      const reason = refusalIn(note);
      if (reason !== undefined && shards.has(id)) say(`a worker refused a shard: ${reason}`);
    },
  });

  /** An event that was missed, or a queue that lost its jobs, must not keep the run from ending. */
  async function look(): Promise<void> {
    for (const [id, shard] of [...shards].slice(0, lookedAt)) {
      const state = await queue.stateOf(id);
      if (state === "failed") fail(id, await queue.reasonOf(id));
      if (state !== undefined || !shards.has(id)) continue;
      const result = await options.resultOf(id, shard);
      if (result) done(id, result);
      else await queue.add(id, shard);
    }
    const { active } = await queue.counts();
    if (shards.size === 0 || active > 0) lastChangeMs = performance.now();
    else if (performance.now() - lastChangeMs > silenceMs)
      say("no worker takes shards: image-text-encoder work --help");
  }
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch(() => {}); // the queue is away, and says so by itself
  }, lookMs);

  return {
    async add(id, shard) {
      shards.set(id, shard);
      await queue.add(id, shard);
    },
    room: () => until(() => shards.size < ahead),
    settled: () => until(() => shards.size === 0),
    withFailures,
    failures: () => (failures.length === 0 ? undefined : { count: failures.length, reason: failures[0]! }),
    async close() {
      clearInterval(timer);
      await looking;
      await events.close();
    },
  };
}

/** Says each sentence once. */
function oncePerText(say: (sentence: string) => void): (sentence: string) => void {
  const said = new Set<string>();
  return (sentence) => {
    if (!said.has(sentence)) say(sentence);
    said.add(sentence);
  };
}
