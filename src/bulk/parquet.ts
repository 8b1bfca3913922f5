import type { TypeMap } from "apache-arrow";
import type { SchemaElement } from "hyparquet";
import type { ColumnSource } from "hyparquet-writer";
import { EncoderError } from "../errors.ts";
import { loadOptional } from "../host/optional-package.ts";
import type { Columns, ColumnValue } from "./items/item.ts";
import { nameColumn, type Part, type Tower } from "./sinks/sink.ts";

/** A column of a table has `null` where a row has no value. */
export interface TableColumn {
  name: string;
  values: ColumnValue[];
}

/** Gives the columns of a part but its vectors: key, name, and what is carried, unless no row has a value for it. */
export function partColumns({ rows }: Pick<Part, "rows">, tower: Tower): TableColumn[] {
  const own = [
    { name: nameColumn(tower), values: rows.map(({ name }) => name) },
    { name: "key", values: rows.map(({ key }) => key) },
  ];
  const names = new Set(rows.flatMap(({ columns }) => Object.keys(columns)));
  for (const { name } of own) names.delete(name);
  const valuesOf = (name: string) => rows.map(({ columns }: { columns: Columns }) => columns[name] ?? null);
  return [...own, ...[...names].map((name) => ({ name, values: sameKind(valuesOf(name)) }))];
}

/** Values of several kinds become text, since a column has one. */
function sameKind(values: ColumnValue[]): ColumnValue[] {
  const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value));
  return kinds.size <= 1 ? values : values.map((value) => (value === null ? null : String(value)));
}

/** A column of vectors holds them one behind the other. */
export interface VectorColumn {
  name: string;
  vectors: Float32Array;
  dimensions: number;
}

/** Gives the bytes of a parquet file, compressed with Snappy but for the vectors, which do not get smaller. */
export type ParquetWriter = (columns: readonly TableColumn[], embedding?: VectorColumn) => Uint8Array;

const writing = {
  purpose: "Writing parquet",
  packages: ["hyparquet", "hyparquet-writer", "hyparquet-compressors", "apache-arrow"],
};

/** @throws EncoderError CONFIG_INVALID where what it needs is not installed. */
export async function openParquetWriter({ withVectors = false } = {}): Promise<ParquetWriter> {
  const { parquetWriteBuffer } = await loadOptional(writing, () => import("hyparquet-writer"));
  const arrow = withVectors ? await loadOptional(writing, () => import("apache-arrow")) : undefined;
  return (columns, embedding) => {
    const rows = columns[0]?.values.length ?? 0;
    const rowGroupSize = Math.max(1, rows);
    const columnData: ColumnSource[] = columns.map(({ name, values }) => ({
      name,
      data: values,
      type: typeOf(values),
    }));
    if (!embedding) return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));
    const { name, vectors, dimensions } = embedding;
    const data = Array.from({ length: rows }, (_, i) => [...vectors.subarray(i * dimensions, (i + 1) * dimensions)]);
    const bytes = parquetWriteBuffer({
      columnData: [
        ...columnData.map(({ name, data }) => ({ name, data })),
        { name, data, encoding: "PLAIN", codec: "UNCOMPRESSED", statistics: false },
      ],
      schema: [
        { name: "root", num_children: columns.length + 1 },
        ...columns.map(({ name, values }) => elements[typeOf(values)](name)),
        { name, repetition_type: "REQUIRED", converted_type: "LIST", num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
      ],
      rowGroupSize,
      kvMetadata: [{ key: "ARROW:schema", value: arrowSchema(arrow!, columns, embedding) }],
    });
    return new Uint8Array(bytes);
  };
}

type Type = "STRING" | "DOUBLE" | "BOOLEAN";

const elements: Record<Type, (name: string) => SchemaElement> = {
  STRING: (name) => ({ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }),
  DOUBLE: (name) => ({ name, type: "DOUBLE", repetition_type: "OPTIONAL" }),
  BOOLEAN: (name) => ({ name, type: "BOOLEAN", repetition_type: "OPTIONAL" }),
};

type Arrow = typeof import("apache-arrow");

/** Parquet has lists of any length alone; readers based on Arrow find here that all vectors have the same. */
function arrowSchema(arrow: Arrow, columns: readonly TableColumn[], { name, dimensions }: VectorColumn): string {
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

/** Limits the rows decoded at a time: row groups may have millions. */
const rowsPerSlice = 65_536;
/** Row groups of pyarrow and Spark are at most this large, and decoding one may take as much. */
const maxRowGroupBytes = 256 * 1024 * 1024;

const reading = { purpose: "Reading parquet", packages: ["hyparquet", "hyparquet-compressors"] };

/** @throws EncoderError INPUT_REFUSED for a row group that is too large; other errors where the file is malformed. */
export async function* parquetRows(path: string): AsyncGenerator<Record<string, unknown>> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await loadOptional(
    reading,
    () => import("hyparquet"),
  );
  const { compressors } = await loadOptional(reading, () => import("hyparquet-compressors"));
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
