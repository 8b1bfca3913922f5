import type { TypeMap } from "apache-arrow";
import type { SchemaElement } from "hyparquet";
import type { ColumnSource } from "hyparquet-writer";
import { EncoderError } from "../errors.ts";
import type { Columns, ColumnValue } from "./item.ts";

/** Is a column of a table; it has `null` where a row has no value. */
export interface TableColumn {
  name: string;
  values: ColumnValue[];
}

/** Lists the carried columns of some rows; a column that no row has a value for is left out. */
export function carriedColumns(rows: readonly { columns: Columns }[]): TableColumn[] {
  const names = new Set(rows.flatMap(({ columns }) => Object.keys(columns)));
  return [...names].map((name) => ({ name, values: sameKind(rows.map(({ columns }) => columns[name] ?? null)) }));
}

/** Values of several kinds become text, since a column has one. */
function sameKind(values: ColumnValue[]): ColumnValue[] {
  const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value));
  return kinds.size <= 1 ? values : values.map((value) => (value === null ? null : String(value)));
}

/** Is a column of vectors, one behind the other. */
export interface VectorColumn {
  name: string;
  vectors: Float32Array;
  dimensions: number;
}

/** Writes a parquet file, compressed with Snappy but for the vectors, which do not get smaller. */
export async function parquetBytes(columns: readonly TableColumn[], embedding?: VectorColumn): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await parquetWriter();
  const rows = columns[0]?.values.length ?? 0;
  const columnData: ColumnSource[] = columns.map(({ name, values }) => ({ name, data: values, type: typeOf(values) }));
  if (!embedding) return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: Math.max(1, rows) }));
  const { name, vectors, dimensions } = embedding;
  const data = Array.from({ length: rows }, (_, i) => [...vectors.subarray(i * dimensions, (i + 1) * dimensions)]);
  const schema: SchemaElement[] = [
    { name: "root", num_children: columns.length + 1 },
    ...columns.map(({ name, values }) => elements[typeOf(values)](name)),
    { name, repetition_type: "REQUIRED", converted_type: "LIST", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
  ];
  const bytes = parquetWriteBuffer({
    columnData: [
      ...columnData.map(({ name, data }) => ({ name, data })),
      { name, data, encoding: "PLAIN", codec: "UNCOMPRESSED", statistics: false },
    ],
    schema,
    rowGroupSize: Math.max(1, rows),
    kvMetadata: [{ key: "ARROW:schema", value: await arrowSchema(columns, embedding) }],
  });
  return new Uint8Array(bytes);
}

type Type = "STRING" | "DOUBLE" | "BOOLEAN";

const elements: Record<Type, (name: string) => SchemaElement> = {
  STRING: (name) => ({ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }),
  DOUBLE: (name) => ({ name, type: "DOUBLE", repetition_type: "OPTIONAL" }),
  BOOLEAN: (name) => ({ name, type: "BOOLEAN", repetition_type: "OPTIONAL" }),
};

/** Parquet has lists of any length alone; readers based on Arrow find here that all vectors have the same. */
async function arrowSchema(columns: readonly TableColumn[], { name, dimensions }: VectorColumn): Promise<string> {
  const arrow = await import("apache-arrow").catch((cause) => {
    throw missing("apache-arrow", cause);
  });
  const types = { STRING: new arrow.Utf8(), DOUBLE: new arrow.Float64(), BOOLEAN: new arrow.Bool() };
  const fields = columns.map((column) => new arrow.Field(column.name, types[typeOf(column.values)], true));
  const element = new arrow.Field("element", new arrow.Float32(), false);
  const vector = new arrow.Field(name, new arrow.FixedSizeList(dimensions, element), false);
  const stream = arrow.tableToIPC(new arrow.Table(new arrow.Schema<TypeMap>([...fields, vector])), "stream");
  return Buffer.from(stream.subarray(0, -endOfStreamBytes)).toString("base64");
}

const endOfStreamBytes = 8;

function typeOf(values: readonly ColumnValue[]): Type {
  const kind = typeof values.find((value) => value !== null);
  if (kind === "number") return "DOUBLE";
  return kind === "boolean" ? "BOOLEAN" : "STRING";
}

/** So many rows are decoded at a time: row groups may have millions. */
const rowsPerSlice = 65_536;
/** Row groups of pyarrow and Spark are at most this large, and decoding one may take as much. */
const maxRowGroupBytes = 256 * 1024 * 1024;

/** @throws EncoderError INPUT_REFUSED for a row group that is too large; other errors where the file is malformed. */
export async function* parquetRows(path: string): AsyncGenerator<Record<string, unknown>> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import("hyparquet").catch((cause) => {
    throw missing("hyparquet", cause);
  });
  const { compressors } = await import("hyparquet-compressors").catch((cause) => {
    throw missing("hyparquet-compressors", cause);
  });
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  let from = 0;
  for (const { num_rows, total_byte_size } of metadata.row_groups) {
    if (total_byte_size > maxRowGroupBytes) {
      const message = `Expected row groups of at most ${maxRowGroupBytes} bytes in a parquet file, found ${total_byte_size}.`;
      throw new EncoderError("INPUT_REFUSED", message);
    }
    const end = from + Number(num_rows);
    for (; from < end; from += rowsPerSlice) {
      const rowEnd = Math.min(from + rowsPerSlice, end);
      yield* await parquetReadObjects({ file, metadata, rowStart: from, rowEnd, compressors });
    }
    from = end;
  }
}

/** Loads the writer when it is used: the service never needs it. */
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
