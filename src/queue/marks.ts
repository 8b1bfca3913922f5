import { z } from "zod";
import { errorCodeNames } from "../errors.ts";
import { queueFolder } from "./run-record.ts";
import type { SharedStore } from "./store.ts";

const markSchema = z.object({
  /** Id of the shard that was written. If it is another one, the inputs have changed. */
  shard: z.string(),
  encoded: z.number(),
  /** Inputs without a vector: the lines of errors.jsonl, in the order of the input. */
  failures: z.array(z.object({ input: z.string(), code: z.enum(errorCodeNames), error: z.string() })),
});

/** Says that a part is written. It is put after the part's files, and what is marked is never done again. */
export type Mark = z.infer<typeof markSchema>;

/** Marks lie in folders of a thousand: a folder with millions of files is slow everywhere. */
export function markPath(part: number | "trial"): string {
  return part === "trial" ? `${queueFolder}/trial.json` : `${queueFolder}/${Math.floor(part / 1000)}/${part}.json`;
}

export async function readMark(store: SharedStore, part: number | "trial"): Promise<Mark | undefined> {
  const bytes = await store.get(markPath(part));
  if (!bytes) return undefined;
  try {
    return markSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    return undefined; // a mark that cannot be read is none: the part is written again
  }
}

export async function writeMark(store: SharedStore, part: number | "trial", mark: Mark): Promise<void> {
  await store.put(markPath(part), [Buffer.from(`${JSON.stringify(mark)}\n`)]);
}
