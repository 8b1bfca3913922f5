import { createHash } from "node:crypto";
import { z } from "zod";
import { errorCodeNames } from "../errors.ts";

/** Most references of a job: a minute of work, and some hundred kilobytes in the queue. */
export const maxShardSize = 1000;

const text = (most: number) => z.string().max(most);
const errorCode = z.enum(errorCodeNames);
const columnValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
/** Absolute path, with one character per byte. */
const path = z
  .string()
  .max(8192)
  .refine((path) => path.startsWith("/") && [...path].every((byte) => byte > "\0" && byte <= "\xff"));

/** What a row of a shard refers to. Pictures themselves never go through the queue. */
const referenceSchema = z.union([
  z.strictObject({ file: path }),
  z.strictObject({ tar: path, offset: z.int().min(0), size: z.int().min(0) }),
  z.strictObject({ url: text(1 << 20) }),
  z.strictObject({ text: text(1 << 20) }),
  /** An input of which the listing already found that it fails. */
  z.strictObject({ code: errorCode, error: text(4096) }),
]);

const rowSchema = z.strictObject({
  key: text(1 << 20),
  name: text(1 << 20),
  columns: z.record(z.string(), columnValue).optional(),
  /** Changes when the input does, so that a changed input makes another job. */
  version: text(200).optional(),
  input: referenceSchema,
});

const modelSchema = z.strictObject({
  name: text(200),
  build: text(64),
  precision: text(32),
  /** Of this program: another one may prepare pictures in another way. */
  version: text(64),
});

/**
 * Describes a job of the queue. Whoever can write to the queue can write any job, so a worker believes nothing of it:
 * it is parsed by this schema, names no place to write to, and what it refers to is read only below the worker's own
 * roots.
 */
export const shardSchema = z.strictObject({
  /** The run's id, as it stands in the output. */
  run: z.string().regex(/^[0-9a-f]{32}$/),
  model: modelSchema,
  tower: z.enum(["image", "text"]),
  format: z.enum(["npy", "parquet", "jsonl"]),
  dtype: z.enum(["float32", "float16"]),
  /** Number of the part of the output; the trial at the beginning of a run writes none. */
  part: z.union([z.int().min(0).max(1_000_000_000), z.literal("trial")]),
  rows: z.array(rowSchema).min(1).max(maxShardSize),
});

export type Shard = z.infer<typeof shardSchema>;
export type ShardRow = z.infer<typeof rowSchema>;
export type Reference = z.infer<typeof referenceSchema>;
export type ModelFacts = z.infer<typeof modelSchema>;

/** Gives the job's id. The same shard for the same model and output always has the same, so adding it twice is harmless. */
export function shardId(shard: Shard): string {
  return createHash("sha256").update(JSON.stringify(shard)).digest("hex").slice(0, 40);
}

/** What a worker says of a shard that is done. */
export const shardResultSchema = z.strictObject({ encoded: z.int().min(0), failed: z.int().min(0) });
export type ShardResult = z.infer<typeof shardResultSchema>;
