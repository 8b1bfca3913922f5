import type { Columns } from "../item.ts";

/** A slice of the output: up to PART_SIZE inputs, less those that failed. */
export interface Part {
  number: number;
  rows: readonly { name: string; key: string; columns: Columns }[];
  /** One vector per row, one behind the other. */
  vectors: Float32Array;
  dimensions: number;
}

/** A format of the output. */
export interface Sink {
  /** Writes a part anew; each of its files appears at once or not at all. */
  write(part: Part): Promise<void>;
  has(part: number): Promise<boolean>;
  /** Does nothing where there is none. */
  remove(part: number): Promise<void>;
  /** Called once, after the last part. */
  finish?(): Promise<void>;
}
