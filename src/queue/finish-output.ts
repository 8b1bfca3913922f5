import { closeSync, openSync, readSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileSink } from "../bulk/sinks/file-sink.ts";
import { openFormat } from "../bulk/sinks/open-sink.ts";
import { EncoderError } from "../errors.ts";
import { type Mark, markPath, readMark } from "./marks.ts";
import type { Shard } from "./shard.ts";
import type { SharedStore } from "./store.ts";

export interface FinishOptions extends Pick<Shard, "tower" | "format" | "dtype"> {
  store: SharedStore;
  /** Parts of the output. */
  parts: number;
  /** Numbers of the parts in which inputs failed, in order. */
  withFailures: readonly number[];
  scratch: string;
}

/** Removes parts that the input does not have any more, and writes errors.jsonl. @returns how many inputs killed workers */
export async function finishOutput(options: FinishOptions): Promise<{ poisoned: number }> {
  const { store, parts } = options;
  const sink = fileSink(await openFormat(options), store);
  for (let part = parts; await store.has(markPath(part)); part++) {
    await sink.remove(part);
    await store.remove(markPath(part));
  }
  await store.tidy();
  const folder = await mkdtemp(join(options.scratch, "errors-"));
  try {
    const file = join(folder, "errors.jsonl");
    const poisoned = await collectErrors(file, options);
    await store.put("errors.jsonl", piecesOf(file));
    return { poisoned };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The list is made on this machine's disk: S3 has no files that grow, and memory might not hold it. */
async function collectErrors(file: string, { store, withFailures }: FinishOptions): Promise<number> {
  let poisoned = 0;
  const handle = await open(file, "w");
  try {
    for (const part of withFailures) {
      const { failures } = await visibleMark(store, part);
      poisoned += failures.filter(({ code }) => code === "POISON_INPUT").length;
      await handle.appendFile(failures.map((failure) => `${JSON.stringify(failure)}\n`).join(""));
    }
  } finally {
    await handle.close();
  }
  return poisoned;
}

/** NFS may show a new file to other machines half a minute late. */
const visibleAfterTries = 60;

async function visibleMark(store: SharedStore, part: number): Promise<Mark> {
  for (let tries = 0; tries < visibleAfterTries; tries++) {
    const mark = await readMark(store, part);
    if (mark) return mark;
    await sleep(1000);
  }
  throw new EncoderError("STORAGE_FAILED", `A worker wrote part ${part}, but it is not to be seen in this --out.`);
}

const pieceBytes = 1 << 20;

function* piecesOf(file: string): Generator<Uint8Array> {
  const descriptor = openSync(file, "r");
  try {
    for (;;) {
      const piece = Buffer.alloc(pieceBytes);
      const read = readSync(descriptor, piece);
      if (read === 0) return;
      yield piece.subarray(0, read);
    }
  } finally {
    closeSync(descriptor);
  }
}
