import type { Logger } from "pino";
import { encodeWith } from "../bulk/encode-files.ts";
import { createReading } from "../bulk/items/reading.ts";
import { inputSettings } from "../config/bulk.ts";
import { encoderSettings } from "../config/encoder.ts";
import { workSettings } from "../config/queue.ts";
import { logSettings } from "../config/server.ts";
import { pickSettings, type ValuesOf } from "../config/setting.ts";
import { createEncoder, type Encoder } from "../encoder/encoder.ts";
import { packageVersion } from "../host/package.ts";
import { createMetrics } from "../metrics.ts";
import { withHome } from "../model/locate.ts";
import { parseQueueAddress } from "../queue/address.ts";
import { createQueueMetrics } from "../queue/metrics.ts";
import { modelFacts } from "../queue/model-facts.ts";
import { openQueue } from "../queue/queue.ts";
import { openRoots } from "../queue/roots.ts";
import { openStore } from "../queue/store.ts";
import { type WorkObserver, workOnQueue } from "../queue/work.ts";
import { command } from "./command.ts";
import { createLogger } from "./log.ts";
import { openWorkerEndpoint, type WorkerEndpoint } from "./worker-endpoint.ts";

const { itemTimeoutMs, maxReadBytes } = inputSettings;
const settings = { ...workSettings, itemTimeoutMs, maxReadBytes, ...encoderSettings, ...logSettings };
type Values = ValuesOf<typeof settings>;

export const work = command({
  summary: "Take shards from a queue that `encode --queue` fills, and write their parts",
  examples: [
    ["work --queue redis://queue:6379 --out /mnt/vectors --root /mnt/photos", "With the run's output and pictures."],
    ["work --queue postgres://encoder@db/queue --out s3://vectors/run-7", "Pictures by URL; the output is in S3."],
  ],
  exitCodes: {
    1: "failed: the output or a folder of pictures went away, or the queue cannot be reached",
    2: "called wrongly, or set up for another model, output or folder than the run",
  },
  settings,
  async run({ values, signal }) {
    const logger = createLogger(values.logLevel);
    const metrics = createMetrics();
    const address = parseQueueAddress(values.queue, values.queuePassword);
    const store = await openStore(withHome(values.out), `${process.pid}-${Date.now().toString(36)}`);
    const roots = await openRoots(values.root.map(withHome));
    const onTrouble = (reason: string) => logger.warn({ reason }, "the queue is in trouble; trying again");
    const queue = await openQueue({ address, name: values.queueName, onTrouble });
    try {
      for (const warning of await queue.warnings()) logger.warn(warning);
      const encoder = await createEncoder(pickSettings(encoderSettings, values), metrics.observer, { signal });
      const queueMetrics = createQueueMetrics(metrics.registry, queue.counts);
      const isReady = () => !signal.aborted;
      let endpoint: WorkerEndpoint | undefined;
      try {
        if (values.metricsPort > 0) {
          const { registry } = metrics;
          endpoint = await openWorkerEndpoint({ ...values, port: values.metricsPort, registry, isReady });
        }
        logger.info(
          { queue: address.shown, name: values.queueName, model: encoder.manifest.name },
          "waiting for shards",
        );
        await workOnQueue({
          ...{ address, name: values.queueName, leaseMs: values.leaseMs, drainTimeoutMs: values.drainTimeoutMs },
          work: { store, ...(await shardWork(encoder, values, roots)) },
          stop: signal,
          observer: observed(queueMetrics.observer, logger),
        });
      } finally {
        queueMetrics.stop();
        await endpoint?.close();
        await encoder.close({ timeoutMs: 0 });
      }
    } finally {
      await queue.close();
    }
  },
});

async function shardWork(encoder: Encoder, values: Values, roots: Awaited<ReturnType<typeof openRoots>>) {
  const { manifest } = encoder;
  const version = await packageVersion();
  return {
    roots,
    reading: { ...createReading(values), mayRead: roots.mayRead },
    encode: encodeWith(encoder),
    dimensions: manifest.dimensions,
    models: { image: modelFacts(manifest, "image", version), text: modelFacts(manifest, "text", version) },
    itemTimeoutMs: values.itemTimeoutMs,
  };
}

function observed(inner: WorkObserver, logger: Logger): WorkObserver {
  return {
    onShard(result, seconds) {
      inner.onShard?.(result, seconds);
      logger.info({ ...result, seconds: Math.round(10 * seconds) / 10 }, "shard done");
    },
    onRefused(reason) {
      inner.onRefused?.(reason);
      logger.error({ reason }, "shard refused");
    },
    onLost(id) {
      inner.onLost?.(id);
      logger.warn({ id }, "a shard's lease ran out; another worker does it");
    },
    onTrouble: (reason) => logger.warn({ reason }, "the queue is in trouble; trying again"),
  };
}
