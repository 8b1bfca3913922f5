import type { Columns } from "../item.ts";

/** Is a slice of the output: up to PART_SIZE inputs, less those that failed. */
export interface Part {
  number: number;
  rows: readonly { name: string; key: string; columns: Columns }[];
  /** Each row has one vector, one behind the other. */
  vectors: Float32Array;
  dimensions: number;
}

/** Is a format of the output. */
export interface Sink {
  /** Writes a part anew; each of its files appears at once or not at all. */
  write(part: Part): Promise<void>;
  has(part: number): Promise<boolean>;
  /** Does nothing where there is none. */
  remove(part: number): Promise<void>;
  /** This is called once, after the last part. */
  finish?(): Promise<void>;
}
