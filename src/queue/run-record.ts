import { randomBytes } from "node:crypto";
import { z } from "zod";
import { EncoderError } from "../errors.ts";
import type { Shard } from "./shard.ts";
import type { SharedStore } from "./store.ts";

/** Where an output keeps what a queued run needs to know of it. */
export const queueFolder = ".queue";
const recordPath = `${queueFolder}/run.json`;

const recordSchema = z.object({ id: z.string(), facts: z.record(z.string(), z.union([z.string(), z.number()])) });
export type RunRecord = z.infer<typeof recordSchema>;

export interface RunFacts extends Pick<Shard, "model" | "tower" | "format" | "dtype"> {
  shardSize: number;
}

/**
 * The run that an output belongs to; the first caller makes it, and of two at once both get the same.
 * @throws EncoderError OUTPUT_REFUSED naming what differs from the run that the output was begun with.
 */
export async function openRun(store: SharedStore, facts: RunFacts): Promise<RunRecord> {
  const record = { id: randomBytes(16).toString("hex"), facts: named(facts) };
  await store.create(recordPath, Buffer.from(`${JSON.stringify(record, null, 2)}\n`));
  const found = await readRun(store);
  const different = Object.keys(record.facts).find((name) => found.facts[name] !== record.facts[name]);
  if (different === undefined) return found;
  const message =
    `The output was begun with ${different} ${found.facts[different]}, this run has ${record.facts[different]}. ` +
    "Run it as it was begun, or choose another output.";
  throw new EncoderError("OUTPUT_REFUSED", message);
}

/** @throws EncoderError STORAGE_FAILED where the output holds no run: then it is not the one that everybody else sees. */
export async function readRun(store: SharedStore): Promise<RunRecord> {
  const bytes = await store.get(recordPath);
  const parsed = recordSchema.safeParse(bytes && JSON.parse(Buffer.from(bytes).toString()));
  if (parsed.success) return parsed.data;
  const message = "The output holds no queued run: it is another place than that of the run, or its share went away.";
  throw new EncoderError("STORAGE_FAILED", message);
}

function named({ model, tower, format, dtype, shardSize }: RunFacts): RunRecord["facts"] {
  return {
    "the model": `${model.name} (build ${model.build})`,
    "the precision": model.precision,
    "the version": model.version,
    inputs: tower === "image" ? "pictures" : "texts",
    "--format": format,
    "--dtype": dtype,
    "--shard-size": shardSize,
  };
}
