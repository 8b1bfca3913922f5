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
  /** Says what people should know of what was listed so far, in sentences: what was passed over, or left out. */
  remarks?(): string[];
}
