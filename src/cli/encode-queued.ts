import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { resolveModel } from "../build/resolve.ts";
import type { Source } from "../bulk/sources/source.ts";
import { EncoderError, type ErrorCode } from "../errors.ts";
import { packageVersion } from "../host/package.ts";
import { parseQueueAddress } from "../queue/address.ts";
import { runQueued } from "../queue/enqueue.ts";
import { modelFacts } from "../queue/model-facts.ts";
import { openStore } from "../queue/store.ts";
import { storing } from "../storage/storing.ts";
import { absoluteFolder } from "./absolute-folder.ts";
import { callBulk } from "./bulk-call.ts";

export interface EncodeQueuedValues {
  queue: string;
  queuePassword: string;
  queueName: string;
  queueAhead: number;
  shardSize: number;
  out: string;
  text: boolean;
  format: "npy" | "parquet" | "jsonl" | "lance";
  dtype: "float32" | "float16";
  model: string;
  modelsDir: string;
  retryFailed: ErrorCode | "any" | "none";
  jsonProgress: boolean;
}

/** Leaves the work of `encode` to the workers of a queue. This process lists the inputs and loads no engine. */
export async function encodeQueued(
  values: EncodeQueuedValues,
  { source, signal }: { source: Source; signal: AbortSignal },
): Promise<number | undefined> {
  const { format, queueName: name, queueAhead: ahead, retryFailed } = values;
  if (format === "lance") {
    throw new EncoderError(
      "CONFIG_INVALID",
      "--format lance has one writer; with --queue choose npy, parquet or jsonl.",
    );
  }
  const address = parseQueueAddress(values.queue, values.queuePassword);
  const out = values.out.startsWith("s3:") ? values.out : absoluteFolder(values.out);
  if (!out.startsWith("s3:")) await storing(() => mkdir(out, { recursive: true }));
  const store = await openStore(out, `run-${process.pid}`);
  const { manifest } = await resolveModel({ ...values, signal });
  const tower = values.text ? "text" : "image";
  const model = modelFacts(manifest, tower, await packageVersion());
  const onWarning = (sentence: string) => process.stderr.write(`\nwarning: ${sentence}\n`);
  return callBulk({ ...values, source, signal }, async (tally) => {
    const { poisoned, failedShards } = await runQueued({
      ...{ ...values, address, name, store, source, tower, model, format, ahead, tally, onWarning },
      ...{ retry: retryFailed === "none" ? undefined : retryFailed, scratch: tmpdir(), stop: signal },
    });
    if (failedShards) {
      const { count, reason } = failedShards;
      const message = `${count} shards failed, the first with: ${reason} \`queue status\` lists them, \`queue retry\` tries again.`;
      throw new EncoderError("QUEUE_FAILED", message);
    }
    const poison = poisoned > 0 ? `; ${poisoned} inputs killed workers and are listed as POISON_INPUT` : "";
    const failures = tally.failed > 0 ? `, and ${values.out}/errors.jsonl says what failed` : "";
    return `; the output is in ${values.out}${failures}${poison}`;
  });
}
