import type * as bullmq from "bullmq";
import type { BackendFactory, IQueueBackend, Job, Worker } from "bullmq";
import { EncoderError, toEncoderError } from "../errors.ts";
import { loadOptional } from "../host/optional-package.ts";
import type { QueueAddress } from "./address.ts";

export type BullMQ = typeof bullmq;
export type BullWorker = Worker;
export type ShardJobOf = Job<unknown, unknown, string>;

/** BullMQ bound to one server and one queue. */
export interface Connection {
  bullmq: BullMQ;
  name: string;
  /** The options that every class of BullMQ takes first. */
  options: { connection: object };
  /** Chooses Redis or PostgreSQL. */
  backend: BackendFactory<IQueueBackend, object>;
}

/** @throws EncoderError CONFIG_INVALID naming the packages that must be installed */
export async function openConnection({ kind, connection }: QueueAddress, name: string): Promise<Connection> {
  const driver = kind === "redis" ? "ioredis" : "pg";
  const library = await loadOptional({ purpose: "A queue", packages: ["bullmq", driver] }, async () => {
    await import(kind === "redis" ? "ioredis" : "pg"); // BullMQ loads it later, and says less when it is missing
    return import("bullmq");
  });
  const { createPostgresBackend, createRedisBackend } = library;
  // The two factories take options of their own, which are made below to fit.
  const backend = (kind === "redis" ? createRedisBackend : createPostgresBackend) as Connection["backend"];
  const own =
    kind === "redis"
      ? // A worker outlives a restart of Redis: its commands wait until it is there again.
        { maxRetriesPerRequest: null, retryStrategy: (tries: number) => Math.min(100 * 2 ** tries, maxPauseMs) }
      : { migrate: true, max: 4, ...deadlines };
  return { bullmq: library, name, options: { connection: { ...connection, ...own } }, backend };
}

/** Between two tries to reach Redis again. */
const maxPauseMs = 5000;
/** A server that is there answers within a fraction of this. */
const deadlines = { connectionTimeoutMillis: 10_000 };
const reachableWithinMs = 10_000;

/** @throws EncoderError QUEUE_FAILED where the server cannot be reached, with its address and without its password */
export async function requireReachable(
  ready: Promise<unknown>,
  { shown }: QueueAddress,
  lastError: () => unknown,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(lastError() ?? new Error("no answer within 10 s")), reachableWithinMs);
  });
  try {
    await Promise.race([ready, late]);
  } catch (cause) {
    throw new EncoderError("QUEUE_FAILED", `The queue at ${shown} cannot be used: ${reasonOf(cause)}.`);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What a driver's error says. The error itself is not passed on: it may carry the command that failed, and with that the
 * password.
 */
export function reasonOf(thrown: unknown): string {
  const errors = thrown instanceof AggregateError ? thrown.errors : [thrown];
  const { message, internal } = toEncoderError(errors[0]);
  return (internal ?? message).replace(/\s*\n[\s\S]*$/, "").replace(/\.$/, "");
}
