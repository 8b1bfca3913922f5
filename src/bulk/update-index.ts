import { join } from "node:path";
import type { Encoder } from "../encoder/encoder.ts";
import { type ErrorCode, toEncoderError } from "../errors.ts";
import { processorClass } from "../host/processor.ts";
import { factsPath, type IndexFacts, newFacts, readFacts, requireSameModel } from "../search/index-facts.ts";
import { openVectorStore, type VectorStore } from "../search/vector-store.ts";
import { acquireLock } from "../storage/lock.ts";
import { encodeWith, journalFolder } from "./encode-files.ts";
import { createErrorList } from "./error-list.ts";
import { noteInputs, numberIn } from "./index-inputs.ts";
import { createIndexRows } from "./index-rows.ts";
import { type Journal, openJournal } from "./journal/journal.ts";
import { runBulk, type Tally } from "./run.ts";
import type { Source } from "./sources/source.ts";
import { keepThumbnails, type ThumbnailOptions } from "./thumbnails.ts";
import { writeWhole } from "./write-whole.ts";

export interface UpdateIndexOptions extends ThumbnailOptions {
  /** Absolute path. */
  directory: string;
  operands: readonly string[];
  source: Source;
  encoder: Encoder;
  /** Failures of earlier runs that are tried again. */
  retry: ErrorCode | "any" | undefined;
  itemTimeoutMs: number;
  /** Tells whether pictures go that the inputs do not have any more. */
  prune: boolean;
  onPruned(path: string): void;
  /** Called where pruning was asked for and cannot be done, with the reason. */
  onNotPruned(reason: string): void;
  stop: AbortSignal;
  tally: Tally;
}

/**
 * Brings an index up to date with its inputs.
 * @returns how many pictures it holds then
 * @throws EncoderError OUTPUT_REFUSED where it is being written, or was made with another model.
 */
export async function updateIndex(options: UpdateIndexOptions): Promise<number> {
  const { directory, encoder, retry, stop } = options;
  const { manifest } = encoder;
  const lock = await acquireLock({ directory: join(directory, journalFolder), ifHeld: "refuse" });
  try {
    const facts = await factsOf(directory, manifest);
    const { model, buildId, precision, dimensions } = facts;
    const store = await openVectorStore(directory, dimensions);
    try {
      const journal = await openJournal({
        directory: join(directory, journalFolder),
        dimensions,
        forget: retry,
        facts: { "the model": `${model} (build ${buildId})`, "the precision": precision },
      });
      try {
        await addPictures({ ...options, facts, store, journal, stop: AbortSignal.any([stop, lock.signal]) });
        lock.signal.throwIfAborted();
      } finally {
        await journal.close();
      }
      await store.compact();
      await writeFacts(directory, { ...facts, updatedAt: new Date().toISOString() });
      return await store.count();
    } finally {
      store.close();
    }
  } finally {
    await lock.release();
  }
}

interface AddPictures extends UpdateIndexOptions {
  facts: IndexFacts;
  store: VectorStore;
  journal: Journal;
}

async function addPictures(options: AddPictures): Promise<void> {
  const { directory, operands, encoder, facts } = options;
  const inputs = noteInputs(operands, facts);
  if (facts.precision === "int8") numberIn(facts.processors, processorClass());
  await writeFacts(directory, facts);
  async function rootNumber(folder: string): Promise<number> {
    const before = facts.roots.length;
    const number = numberIn(facts.roots, folder);
    if (facts.roots.length > before) await writeFacts(directory, facts);
    return number;
  }
  const errors = await createErrorList(directory);
  try {
    const rows = await createIndexRows({ ...options, inputs, rootNumber, dimensions: facts.dimensions });
    await runBulk({ ...options, encode: encodeWith(encoder), rows, errors, keeper: keepThumbnails(options) });
  } finally {
    await errors.close();
  }
}

async function factsOf(directory: string, manifest: Encoder["manifest"]): Promise<IndexFacts> {
  const found = await readFacts(directory).catch((error) => {
    if (toEncoderError(error).cause === undefined) throw error; // it is there, and damaged
    return undefined;
  });
  if (found) requireSameModel(found, manifest);
  return found ?? newFacts(manifest);
}

export function writeFacts(directory: string, facts: IndexFacts): Promise<void> {
  return writeWhole(factsPath(directory), [Buffer.from(`${JSON.stringify(facts, null, 2)}\n`)]);
}
