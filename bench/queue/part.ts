/**
 * One process of a queued run with a stand-in engine: `part.ts lister|worker QUEUE FOLDER COUNT SHARD_SIZE`. It says
 * `ready`, and at its end what it took, as JSON; a worker ends with SIGTERM.
 */
import { tmpdir } from "node:os";
import { newTally } from "../../src/bulk/run.ts";
import { parseQueueAddress } from "../../src/queue/address.ts";
import { runQueued } from "../../src/queue/enqueue.ts";
import { openStore } from "../../src/queue/store.ts";
import { workOnQueue } from "../../src/queue/work.ts";
import { facts, standInSource, standInWork } from "./stand-in.ts";

/** What a process of the run took. */
export interface PartReport {
  /** From the first line of work to the last. */
  seconds: number;
  /** Of all its threads. */
  processorSeconds: number;
  /** Time in which files were put into the output, added up. */
  putSeconds: number;
  peakBytes: number;
  shards: number;
}

const [role, queue, out, count, shardSize] = process.argv.slice(2);
const address = parseQueueAddress(queue!);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const store = await openStore(out!, `${role}-${process.pid}`);
let putMs = 0;
let shards = 0;
const timed = {
  ...store,
  async put(...call: Parameters<typeof store.put>) {
    const startedAt = performance.now();
    await store.put(...call);
    putMs += performance.now() - startedAt;
  },
};
const startedAt = performance.now();
const spent = process.cpuUsage();
console.log("ready");
const onTrouble = (reason: string) => console.error(reason);

if (role === "lister") {
  const tally = newTally();
  const { failedShards } = await runQueued({
    ...({ address, name: "bench", store: timed, tally, stop: stop.signal } as const),
    ...({ model: facts, tower: "image", format: "npy", dtype: "float32" } as const),
    ...{ source: standInSource(Number(count)), shardSize: Number(shardSize), ahead: 1000 },
    ...{ retry: undefined, scratch: tmpdir(), onWarning: onTrouble },
  });
  if (failedShards || tally.encoded !== Number(count)) throw new Error(JSON.stringify({ failedShards, tally }));
} else {
  await workOnQueue({
    ...{ address, name: "bench", work: await standInWork(timed), leaseMs: 30_000, drainTimeoutMs: 30_000 },
    stop: stop.signal,
    observer: {
      onShard: () => {
        shards++;
      },
      onRefused: onTrouble,
      onTrouble,
    },
  });
}
const { user, system } = process.cpuUsage(spent);
const report: PartReport = {
  seconds: (performance.now() - startedAt) / 1000,
  processorSeconds: (user + system) / 1e6,
  putSeconds: putMs / 1000,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  shards,
};
console.log(JSON.stringify(report));
process.exit(0);
