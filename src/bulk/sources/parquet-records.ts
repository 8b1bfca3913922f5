import { EncoderError } from "../../errors.ts";
import { parquetRows } from "../parquet.ts";
import { flat, malformed } from "./line-records.ts";
import type { ListRecord } from "./records.ts";

/** Reads the rows of a parquet file, a slice of them at a time. */
export async function* readParquet(file: string): AsyncGenerator<ListRecord> {
  try {
    for await (const row of parquetRows(file)) yield { fields: flat(row) };
  } catch (error) {
    if (error instanceof EncoderError) throw error;
    yield { fields: {}, error: malformed("The parquet file is cut off, malformed, or of a kind that is not read.") };
  }
}
