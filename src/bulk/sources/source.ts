import type { Item } from "../items/item.ts";

/** A source is where items come from: a folder, a list, a tar, a single file or URL. */
export interface Source {
  /** Lists the items in the order of the output. */
  items(): AsyncIterable<Item>;
  /**
   * Counts the items without reading what they stand for, while the run goes on.
   * @param onMore called as they are found, with the bytes of the files
   * @returns whether these are all: those of a tar or of standard input show themselves only when they are read
   */
  count(signal: AbortSignal, onMore: (items: number, bytes: number) => void): Promise<boolean>;
  /** Tells of archives in folders that were passed over while items were listed: they are read only where they are named. */
  passedOver?(): PassedOver;
}

export interface PassedOver {
  count: number;
  /** Path of the first one. */
  first?: string;
}
