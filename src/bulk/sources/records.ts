import type { EncoderError } from "../../errors.ts";
import type { ColumnValue } from "../items/item.ts";

/** A row of a list, whatever its format. */
export interface ListRecord {
  /** By column; a list of lines has none. */
  fields: Readonly<Record<string, ColumnValue>>;
  /** What a list of lines says on this line. */
  line?: Buffer;
  /** The row cannot be read. */
  error?: EncoderError;
}

/** No path, URL or text of a list is longer. */
export const maxRecordBytes = 1 << 20;
