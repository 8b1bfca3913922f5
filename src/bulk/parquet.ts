import { EncoderError } from "../errors.ts";
import type { Columns, ColumnValue } from "./item.ts";

/** A column of a table: `null` where a row has no value. */
export interface TableColumn {
  name: string;
  values: ColumnValue[];
}

/** Carried columns of some rows, each as one list; a column that no row has a value for is left out. */
export function carriedColumns(rows: readonly { columns: Columns }[]): TableColumn[] {
  const names = new Set(rows.flatMap(({ columns }) => Object.keys(columns)));
  return [...names].map((name) => ({ name, values: rows.map(({ columns }) => columns[name] ?? null) }));
}

/** The bytes of a parquet file, compressed with Snappy. */
export async function parquetBytes(columns: readonly TableColumn[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await parquetWriter();
  const columnData = columns.map(({ name, values }) => ({ name, data: values, type: typeOf(values) }));
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: values(columns), statistics: true }));
}

const values = (columns: readonly TableColumn[]) => Math.max(1, columns[0]?.values.length ?? 1);

function typeOf(values: readonly ColumnValue[]): "STRING" | "DOUBLE" | "BOOLEAN" {
  const kind = typeof values.find((value) => value !== null);
  if (kind === "number") return "DOUBLE";
  return kind === "boolean" ? "BOOLEAN" : "STRING";
}

/** Loaded when used: the service never needs it. */
async function parquetWriter() {
  return import("hyparquet-writer").catch((cause) => {
    throw missing("hyparquet-writer", cause);
  });
}

export function missing(name: string, cause: unknown): EncoderError {
  return new EncoderError("CONFIG_INVALID", `This needs the package ${name}; install it with: npm install ${name}`, {
    cause,
  });
}
