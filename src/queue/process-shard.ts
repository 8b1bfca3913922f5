import type { FileReading } from "../bulk/items/file-item.ts";
import type { Encode } from "../bulk/run.ts";
import { fileSink } from "../bulk/sinks/file-sink.ts";
import { openFormat } from "../bulk/sinks/open-sink.ts";
import { describeIssues } from "../config/json.ts";
import { EncoderError } from "../errors.ts";
import { type EncodedShard, encodeShard } from "./encode-shard.ts";
import { readMark, writeMark } from "./marks.ts";
import { itemOf } from "./references.ts";
import type { Roots } from "./roots.ts";
import { readRun } from "./run-record.ts";
import { type ModelFacts, type Shard, type ShardResult, shardId, shardSchema } from "./shard.ts";
import type { SharedStore } from "./store.ts";
import { createSuspicion, type SuspicionStore } from "./suspicion.ts";

/** A worker does its shards with these. */
export interface ShardWork {
  store: SharedStore;
  roots: Roots;
  reading: FileReading;
  encode: Encode;
  dimensions: number;
  /** What the worker serves, by tower. */
  models: Readonly<Record<"image" | "text", ModelFacts>>;
  itemTimeoutMs: number;
}

/** A job as a worker gets it. */
export interface ShardJob {
  id: string;
  /** Not to be trusted. */
  data: unknown;
  /** Counts the workers that died while they had this shard. */
  deaths: number;
  /** Keeps what is known of inputs that may have killed workers, beyond the life of this one. */
  suspicions: SuspicionStore;
  /** Aborts when the shard was given to another worker, or this one is to end. */
  signal: AbortSignal;
  /** @throws where the shard is not this worker's any more */
  requireLock(): Promise<void>;
}

/** Items at work at the same time, as in a run on one machine. */
const lanes = 128;
/** From this many deaths on, a shard is worked on input by input, to find which one kills. */
const deathsUntilCare = 2;

export const needsCare = ({ deaths }: ShardJob): boolean => deaths >= deathsUntilCare;

/**
 * Does a shard: its part and then its mark are written, unless they are there already.
 * @throws EncoderError SHARD_INVALID where no worker can do it, SHARD_REFUSED where this one cannot, STORAGE_FAILED where its
 * output or its inputs went away; the signal's reason when aborted.
 */
export async function processShard(job: ShardJob, work: ShardWork): Promise<ShardResult> {
  const shard = parseShard(job);
  const { store, roots } = work;
  requireSameModel(shard, work);
  roots.requireBelow(shard.rows);
  await requireOwnOutput(shard, store);
  const mark = await readMark(store, shard.part);
  if (mark?.shard === job.id) return { encoded: mark.encoded, failed: mark.failures.length };
  const encoded = await encodeRows(shard, job, work);
  await requireInputsThere(encoded, roots);
  await job.requireLock(); // a worker that stood still for long must not write over what another one wrote since
  await requireOwnOutput(shard, store);
  await writePart(shard, encoded, work);
  const { rows, failures } = encoded;
  await writeMark(store, shard.part, { shard: job.id, encoded: rows.length, failures });
  await requireOwnOutput(shard, store); // a share that went away meanwhile has got neither
  return { encoded: rows.length, failed: failures.length };
}

/** Looks whether the output is there and is the run's: where a share is not mounted, an empty folder takes all that is written. */
async function requireOwnOutput(shard: Shard, store: SharedStore): Promise<void> {
  const { id } = await readRun(store);
  if (id === shard.run) return;
  throw new EncoderError("SHARD_REFUSED", "The output that this worker writes to (--out) belongs to another run.");
}

function parseShard({ id, data }: ShardJob): Shard {
  const parsed = shardSchema.safeParse(data);
  if (!parsed.success) throw new EncoderError("SHARD_INVALID", `The job is no shard: ${describeIssues(parsed.error)}.`);
  if (shardId(parsed.data) === id) return parsed.data;
  throw new EncoderError("SHARD_INVALID", "The job's id is not that of its shard.");
}

function requireSameModel({ model, tower }: Shard, { models }: ShardWork): void {
  const own = models[tower];
  const facts = ({ name, build, precision, version }: ModelFacts) =>
    `${name} (build ${build}, ${precision}, version ${version})`;
  const isSame = own.build === model.build && own.precision === model.precision && own.version === model.version;
  if (isSame) return;
  throw new EncoderError("SHARD_REFUSED", `The shard is for ${facts(model)}; this worker serves ${facts(own)}.`);
}

async function encodeRows(shard: Shard, job: ShardJob, work: ShardWork): Promise<EncodedShard> {
  const items = shard.rows.map((row) => itemOf(row, work.reading));
  const { encode, dimensions, itemTimeoutMs } = work;
  const options = { items, encode, dimensions, itemTimeoutMs, signal: job.signal };
  if (!needsCare(job)) return encodeShard({ ...options, lanes });
  return encodeShard({ ...options, lanes: 1, around: await createSuspicion(job.suspicions, job.signal) });
}

/** A share that went away makes every file look deleted. */
async function requireInputsThere({ failures }: EncodedShard, roots: Roots): Promise<void> {
  const isSuspect = failures.some(({ code }) => code === "INPUT_NOT_FOUND" || code === "INPUT_UNREADABLE");
  if (!isSuspect || (await roots.areThere())) return;
  throw new EncoderError("STORAGE_FAILED", "A folder of pictures (--root) went away while a shard was worked on.");
}

async function writePart(shard: Shard, { rows, vectors }: EncodedShard, { store, dimensions }: ShardWork) {
  const { part, format, dtype, tower } = shard;
  if (part === "trial") return;
  const sink = fileSink(await openFormat({ format, dtype, tower }), store);
  if (rows.length === 0) await sink.remove(part);
  else await sink.write({ number: part, rows, vectors, dimensions });
}
