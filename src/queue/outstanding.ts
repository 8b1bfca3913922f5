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
  const { queue, ahead, onWarning } = options;
  const ledger = new Ledger(options);
  const { shards, withFailures, failures } = ledger;
  const say = oncePerText(onWarning);

  const events = await watchQueue(options, {
    onDone(id, result) {
      const parsed = shardResultSchema.safeParse(result);
      if (parsed.success) ledger.done(id, parsed.data);
    },
    onFailed: (id, reason) => ledger.fail(id, reason),
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
      if (state === "failed") ledger.fail(id, await queue.reasonOf(id));
      if (state !== undefined || !shards.has(id)) continue;
      const result = await options.resultOf(id, shard);
      if (result) ledger.done(id, result);
      else await queue.add(id, shard);
    }
    const { active } = await queue.counts();
    if (shards.size === 0 || active > 0) ledger.lastChangeMs = performance.now();
    else if (performance.now() - ledger.lastChangeMs > silenceMs)
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
    room: () => ledger.until(() => shards.size < ahead),
    settled: () => ledger.until(() => shards.size === 0),
    withFailures,
    failures: () => (failures.length === 0 ? undefined : { count: failures.length, reason: failures[0]! }),
    async close() {
      clearInterval(timer);
      await looking;
      await events.close();
    },
  };
}

/** Knows the shards that are in the queue, and what those that left it came to. */
class Ledger {
  readonly shards = new Map<string, Shard>();
  readonly withFailures = new Set<number>();
  /** Why shards failed. */
  readonly failures: string[] = [];
  /** When a shard last left the queue, or a worker last had one, in `performance.now()` milliseconds. */
  lastChangeMs = performance.now();
  readonly #tally: Tally;
  readonly #stop: AbortSignal;
  #wake = () => {};

  constructor({ tally, stop }: Pick<OutstandingOptions, "tally" | "stop">) {
    this.#tally = tally;
    this.#stop = stop;
    stop.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Waits for changes until it is so, or the run is stopped. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.#stop.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  done(id: string, { encoded, failed }: ShardResult): void {
    const shard = this.#take(id);
    if (!shard || shard.part === "trial") return;
    this.#tally.encoded += encoded;
    this.#tally.failed += failed;
    if (failed > 0) this.withFailures.add(shard.part);
  }

  fail(id: string, reason: string): void {
    if (this.#take(id)) this.failures.push(reason);
  }

  #take(id: string): Shard | undefined {
    const shard = this.shards.get(id);
    this.shards.delete(id);
    this.lastChangeMs = performance.now();
    this.#wake();
    return shard;
  }
}

/** Says each sentence once. */
function oncePerText(say: (sentence: string) => void): (sentence: string) => void {
  const said = new Set<string>();
  return (sentence) => {
    if (!said.has(sentence)) say(sentence);
    said.add(sentence);
  };
}
