import type { EncoderError } from "../../errors.ts";

export type ColumnValue = string | number | boolean | null;
export type Columns = Readonly<Record<string, ColumnValue>>;

/** An item is one input of a bulk run, as a source lists it. Only of a tar's member was anything read yet. */
export interface Item {
  /**
   * Tells this input from every other one, in every run: its kind and its path, URL or text. A path stands in it with one
   * character per byte, since it need not be UTF-8.
   */
  identity: string;
  /** People find it again by this: a path from the working directory (`nameOf`), a URL, or a text. */
  name: string;
  /** Id in the output: a list's id column, or else the path below the input. */
  key: string;
  /** Says what it is, for an index that shows it again. */
  origin: Origin;
  /** Number of the operand that it comes from. */
  operand: number;
  /** A list or a tar says this of it besides; it is carried to the output. */
  columns: Columns;
  /** Changes when the input's bytes may have changed; absent where that cannot be told without reading them. */
  version?(): Promise<string>;
  /** Reads or fetches it. @throws EncoderError for a fault of this item; the signal's reason when aborted. */
  load(signal: AbortSignal): Promise<Content>;
  /** Called instead of `load` where the item is known, if its bytes are held already. */
  discard?(): void;
}

/**
 * A file has its absolute path, and so has the tar of a member, whose bytes have a place in it unless it is compressed. The
 * path of a member begins with the tar's name, and leads nowhere else.
 */
export type Origin =
  | { kind: "file"; path: Buffer }
  | { kind: "member"; path: string; place?: { tar: Buffer; offset: number; size: number } | undefined }
  | { kind: "url" | "text" | "refused" };

/** Holds what is encoded: a picture's bytes, or a text. */
export interface Content {
  input: Uint8Array | string;
  /** Version at the moment at which it was read. */
  version: string | undefined;
  /** Must be called once the bytes are no longer needed: other reads wait for their memory. */
  release(): void;
}

/** Tells what became of an item: the place of its vector in the journal, or why it has none. */
export type Outcome = { slot: number; contentHash: string } | { error: EncoderError };

/** Rows of the output are in the order of the input. */
export interface Row {
  item: Pick<Item, "identity" | "name" | "key" | "columns" | "origin" | "operand">;
  /** Version of the input, as it was found. */
  version: string | undefined;
  outcome: Outcome;
}

/** Takes the rows of a run, in the order of the input. */
export interface RowSink {
  add(row: Row): Promise<void>;
  /** Writes what is left. A run that was stopped is not complete. */
  finish(options: { isComplete: boolean }): Promise<void>;
}
