import { join } from "node:path";
import { type IndexFacts, readFacts } from "../search/index-facts.ts";
import { openVectorStore, type VectorStore } from "../search/vector-store.ts";
import { acquireLock } from "../storage/lock.ts";
import { journalFolder } from "./encode-files.ts";

export interface OpenIndex {
  facts: IndexFacts;
  store: VectorStore;
}

type Use<T> = (index: OpenIndex) => Promise<T>;

/**
 * Opens an index for as long as `use` runs.
 * @param directory an absolute path
 * @throws EncoderError CONFIG_INVALID where there is none
 */
export async function readingIndex<T>(directory: string, use: Use<T>): Promise<T> {
  const facts = await readFacts(directory);
  const store = await openVectorStore(directory, facts.dimensions);
  return use({ facts, store }).finally(() => store.close());
}

/**
 * Does so while nobody else writes it.
 * @throws EncoderError OUTPUT_REFUSED where somebody does
 */
export async function writingIndex<T>(directory: string, use: Use<T>): Promise<T> {
  await readFacts(directory); // the lock would make the folder of an index that is not there
  const lock = await acquireLock({ directory: join(directory, journalFolder), ifHeld: "refuse" });
  return readingIndex(directory, use).finally(() => lock.release());
}
