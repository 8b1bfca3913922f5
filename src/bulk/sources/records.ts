import type { EncoderError } from "../../errors.ts";
import type { ColumnValue } from "../items/item.ts";

/** A record is a row of a list, whatever its format. */
export interface ListRecord {
  /** Holds values by column; a list of lines has none. */
  fields: Readonly<Record<string, ColumnValue>>;
  /** A list of lines says this on the line. */
  line?: Buffer;
  /** Set where the row cannot be read. */
  error?: EncoderError;
}

/** No path, URL or text of a list is longer. */
export const maxRecordBytes = 1 << 20;
