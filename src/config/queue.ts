import { z } from "zod";
import { serverSettings } from "./server.ts";
import { integer, list, text } from "./setting.ts";

const queueProtocols = ["redis:", "rediss:", "postgres:", "postgresql:"];

const queueUrl = text("a redis://, rediss://, postgres:// or postgresql:// URL", {
  schema: z.string().refine((value) => URL.canParse(value) && queueProtocols.includes(new URL(value).protocol)),
  secret: true,
  help: "The queue that is shared by all machines, in Redis or PostgreSQL.",
});

/** Which queue is used, by those who fill it, work on it and look at it. */
export const queueSettings = {
  queue: queueUrl,
  queuePassword: text("a password", {
    default: "",
    secret: true,
    help: "Password of the queue, in the place of one in its URL. The variable keeps it out of the list of processes.",
  }),
  queueName: text("letters, digits, - and _", {
    schema: z.string().regex(/^[\w-]{1,100}$/),
    default: "image-text-encoder",
    help: "Name of the queue; runs into several outputs at the same time need one each.",
  }),
};

/** What `encode` takes besides, to leave the work to workers. */
export const enqueueSettings = {
  ...queueSettings,
  queue: {
    ...queueUrl,
    default: "",
    help: "Leave the work to the workers of this queue, in Redis or PostgreSQL; without it, this machine does it all.",
  },
  shardSize: integer(1, 1000, {
    default: 500,
    help: "With --queue, inputs in one job, and so in one part of the output.",
    why: "A quarter of a minute of work on two cores: little to do again when a worker dies, few jobs for many pictures.",
  }),
  queueAhead: integer(2, 100_000, {
    default: 1000,
    help: "With --queue, jobs in the queue at a time.",
    why: "Half a million pictures wait in some 150 MB of the queue's memory, so that hundreds of workers have enough to do.",
  }),
};

/** What `work` takes besides the settings of the encoder. */
export const workSettings = {
  ...queueSettings,
  out: text("a folder or s3://bucket/prefix", {
    help: "Where the parts are written: the output of the run, as this machine sees it.",
  }),
  root: list("folders", {
    default: [],
    repeatable: true,
    help: "A folder below which files may be read; may be given several times. Without it, only URLs and texts are encoded.",
    why: "None, since whoever can write to the queue could otherwise have any file of this machine read.",
  }),
  leaseMs: integer(500, 3_600_000, {
    default: 30_000,
    help: "After this time without a sign of life, a worker's shards are given to others.",
    why: "It is renewed every quarter of a minute; only a process that died or was stopped misses that twice.",
  }),
  metricsPort: integer(0, 65_535, {
    default: 0,
    help: "TCP port of GET /metrics, /health/live and /health/ready; 0 for none.",
  }),
  host: { ...serverSettings.host, help: "Address that METRICS_PORT listens on." },
  drainTimeoutMs: {
    ...serverSettings.drainTimeoutMs,
    help: "After SIGTERM, how long shards that were begun may take; then they are given back.",
  },
};
