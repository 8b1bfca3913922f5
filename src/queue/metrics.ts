import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { QueueCounts } from "./queue.ts";
import type { WorkObserver } from "./work.ts";

/** The queue is counted this often. Scrapes are seldom more frequent, and a queue that hangs must not hang a scrape. */
const countMs = 5000;
/** From a tenth of a second (a trial) to a quarter of an hour (a thousand pictures from slow sites). */
const shardSecondsBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000];

export interface QueueMetrics {
  observer: WorkObserver;
  stop(): void;
}

/** Adds the queue's metrics. Every worker counts the whole queue, so dashboards take the largest of what they say. */
export function createQueueMetrics(registry: Registry, counts: () => Promise<QueueCounts>): QueueMetrics {
  const registers = [registry];
  const jobs = new Gauge({
    name: "encoder_shards",
    help: "Shards in the queue: waiting, active or failed.",
    labelNames: ["state"],
    registers,
  });
  const oldest = new Gauge({
    name: "encoder_shards_oldest_seconds",
    help: "Age of the shard that has waited longest; 0 where none waits.",
    registers,
  });
  const inputs = new Counter({
    name: "encoder_shard_inputs_total",
    help: "Inputs of shards that this worker has done: encoded or failed.",
    labelNames: ["outcome"],
    registers,
  });
  const refused = new Counter({
    name: "encoder_shards_refused_total",
    help: "Shards that this worker refused: another model, output or folder.",
    registers,
  });
  const seconds = new Histogram({
    name: "encoder_shard_seconds",
    help: "Time of one shard.",
    buckets: shardSecondsBuckets,
    registers,
  });
  // From nothing to 1 is no increase to Prometheus.
  for (const outcome of ["encoded", "failed"]) inputs.inc({ outcome }, 0);

  const show = ({ waiting, active, failed, oldestSeconds }: QueueCounts) => {
    for (const [state, count] of Object.entries({ waiting, active, failed })) jobs.set({ state }, count);
    oldest.set(oldestSeconds);
  };
  const count = () => void counts().then(show, () => {}); // a queue that is away is told in the log
  count();
  const timer = setInterval(count, countMs);
  return {
    observer: {
      onShard(result, tookSeconds) {
        inputs.inc({ outcome: "encoded" }, result.encoded);
        inputs.inc({ outcome: "failed" }, result.failed);
        seconds.observe(tookSeconds);
      },
      onRefused: () => refused.inc(),
    },
    stop: () => clearInterval(timer),
  };
}
