import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { EncoderError } from "../errors.ts";
import type { Manifest } from "../model/manifest.ts";
import { type Filter, filterSql } from "./filter.ts";
import { factsPath, type IndexFacts, readFacts, requireSameModel } from "./index-facts.ts";
import { type FoundRow, openVectorStore, tablePath, type VectorStore } from "./vector-store.ts";

/** Reads an index, perhaps while another process updates it. */
export interface PictureIndex {
  readonly directory: string;
  /** Gives the rows as they stand now. @throws EncoderError OUTPUT_REFUSED as `facts` does, or where the index is gone. */
  rows(): Promise<VectorStore>;
  /** Reads the facts as they stand now. @throws EncoderError OUTPUT_REFUSED where the index was made anew with another model. */
  facts(): Promise<IndexFacts>;
  /** @throws EncoderError INVALID_REQUEST; OUTPUT_REFUSED as `facts` does. */
  search(question: Question): Promise<FoundRow[]>;
  close(): void;
}

export interface Question {
  /** Unit length. */
  vector: Float32Array;
  limit: number;
  offset?: number;
  filter?: Filter | undefined;
  exact?: boolean;
}

/** Most results that are given, from the first on: those behind them resemble nothing any more. */
export const maxResults = 10_000;

/**
 * @throws EncoderError CONFIG_INVALID where there is no index or no LanceDB, OUTPUT_REFUSED where another model made it.
 */
export async function openPictureIndex(directory: string, manifest: Manifest): Promise<PictureIndex> {
  const place = resolve(directory); // LanceDB takes an address that begins with "db" for one of its cloud
  const first = await readFacts(place);
  requireSameModel(first, manifest);
  let opened = { made: await tableMade(place), store: await openVectorStore(place, first.dimensions) };
  opened.made ??= await tableMade(place); // just now, if there was none
  let reopening: Promise<void> | undefined;
  let facts = { value: first, mtimeMs: await mtimeOf(place) };
  async function factsNow(): Promise<IndexFacts> {
    const mtimeMs = await mtimeOf(place).catch(() => facts.mtimeMs); // it is being made anew
    if (mtimeMs !== facts.mtimeMs) {
      const value = await readFacts(place);
      requireSameModel(value, manifest);
      facts = { value, mtimeMs };
    }
    return facts.value;
  }
  async function reopen(made: string): Promise<void> {
    const store = await openVectorStore(place, first.dimensions);
    opened.store.close();
    opened = { made, store };
  }
  /** A table that was made anew shares the other's name alone: what was read of that would be looked for in this. */
  async function rowsNow(): Promise<VectorStore> {
    await factsNow();
    const made = await tableMade(place);
    if (made === undefined) {
      throw new EncoderError("OUTPUT_REFUSED", "The index is gone, or is being made anew; try again later.");
    }
    if (made !== opened.made) {
      reopening ??= reopen(made).finally(() => {
        reopening = undefined;
      });
      await reopening;
    }
    return opened.store;
  }
  return {
    directory: place,
    rows: rowsNow,
    facts: factsNow,
    async search({ vector, limit, offset = 0, filter, exact }) {
      const store = await rowsNow();
      if (vector.length !== first.dimensions) {
        const message = `Expected a vector of ${first.dimensions} numbers, received ${vector.length}.`;
        throw new EncoderError("INVALID_REQUEST", message);
      }
      if (offset + limit > maxResults) {
        const message = `Expected offset and limit to stay within ${maxResults} results.`;
        throw new EncoderError("INVALID_REQUEST", message);
      }
      const where = filter && filterSql(filter, await store.columns());
      return store.nearest({ vector, limit, offset, where, ...(exact !== undefined && { exact }) });
    },
    close: () => opened.store.close(),
  };
}

/** Gives what differs between tables that were made one after the other; undefined where there is none. */
async function tableMade(directory: string): Promise<string | undefined> {
  const folder = await stat(tablePath(directory)).catch(() => undefined);
  return folder && `${folder.dev} ${folder.ino} ${folder.birthtimeMs}`;
}

async function mtimeOf(directory: string): Promise<number> {
  return (await stat(factsPath(directory))).mtimeMs;
}
