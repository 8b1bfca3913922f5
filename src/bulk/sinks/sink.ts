import type { Columns } from "../items/item.ts";

/** A part is a slice of the output: up to PART_SIZE inputs, less those that failed. */
export interface Part {
  number: number;
  rows: readonly { name: string; key: string; columns: Columns }[];
  /** Each row has one vector, one behind the other. */
  vectors: Float32Array;
  dimensions: number;
}

/** Where the parts of a run go. */
export interface Sink {
  /** Writes a part, in the place of an earlier one with its number; a reader finds all of it or nothing new. */
  write(part: Part): Promise<void>;
  has(part: number): Promise<boolean>;
  /** Removes a part; it does nothing where there is none. */
  remove(part: number): Promise<void>;
  /** Called once, after the last part. */
  finish?(): Promise<void>;
  close?(): void;
}

/** A format whose parts are files. */
export interface PartFormat {
  /** Paths of a part's files below the output, in the order in which they must be written. */
  paths(part: number): readonly string[];
  /** Gives the bytes of these files, in the same order. */
  encode(part: Part): readonly Iterable<Uint8Array>[];
}

/** Where files go: a folder, or anything else that stores a file whole. Paths have slashes and lead nowhere else. */
export interface PartStore {
  /** Puts a file in its place at once or not at all; one that is there already is replaced. */
  put(path: string, chunks: Iterable<Uint8Array>): Promise<void>;
  has(path: string): Promise<boolean>;
  /** Removes a file; it does nothing where there is none. */
  remove(path: string): Promise<void>;
}

/** What the rows of a part are called, by what was encoded. */
export type Tower = "image" | "text";

/** The column that holds the names of the inputs: where a picture lies, or the text itself. */
export const nameColumn = (tower: Tower) => (tower === "image" ? "image_path" : "caption");
