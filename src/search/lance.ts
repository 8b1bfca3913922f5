import { createRequire } from "node:module";
import { constants } from "node:os";
import type { Table } from "@lancedb/lancedb";
import type { Table as ArrowTable } from "apache-arrow";
import { loadOptional } from "../host/optional-package.ts";
import { storing } from "../storage/storing.ts";

const { errno: osErrors } = constants;

export type ValueKind = "number" | "boolean" | "string";
export type StoredValue = string | number | boolean | null;

/** Lists the columns of a table: its own, one of vectors, and whatever the inputs carry. */
export interface TableShape {
  name: string;
  own: Readonly<Record<string, "text" | "integer">>;
  vector: { name: string; dimensions: number };
}

export interface TableRow {
  own: Readonly<Record<string, string | number>>;
  /** What the input carries. */
  columns: Readonly<Record<string, StoredValue>>;
  vector: Float32Array;
}

export interface LanceTable {
  table: Table;
  /** Lists the columns that carry something of the inputs, with their kinds. */
  carried(): Promise<Record<string, ValueKind>>;
  /** Makes rows a table for LanceDB; columns that they carry and the table lacks are added to it first. */
  prepare(rows: readonly TableRow[]): Promise<ArrowTable>;
  close(): void;
}

/**
 * Opens a table, or makes an empty one. This is the only module that imports LanceDB, which is optional and loaded when used.
 * @param directory an absolute path, since LanceDB takes an address that begins with "db" for one of its cloud
 * @throws EncoderError CONFIG_INVALID where LanceDB is not installed
 */
export async function openLanceTable(directory: string, shape: TableShape): Promise<LanceTable> {
  const { lance, arrow } = await loadLance();
  const { own, vector } = shape;
  const vectorType = new arrow.FixedSizeList(vector.dimensions, new arrow.Field("item", new arrow.Float32(), true));
  const vectorField = new arrow.Field(vector.name, vectorType, false);
  const ownTypes = { text: () => new arrow.Utf8(), integer: () => new arrow.Int32() };
  const ownFields = Object.entries(own).map(([name, kind]) => new arrow.Field(name, ownTypes[kind](), true));
  const carriedTypes = {
    number: () => new arrow.Float64(),
    boolean: () => new arrow.Bool(),
    string: () => new arrow.Utf8(),
  };

  const db = await lance.connect(directory);
  const names = await db.tableNames();
  const schema = new arrow.Schema([...ownFields, vectorField]);
  const table = names.includes(shape.name)
    ? await db.openTable(shape.name)
    : await writingTable(() => db.createEmptyTable(shape.name, schema, { mode: "create", existOk: true }));

  async function carried(): Promise<Record<string, ValueKind>> {
    const { fields } = await table.schema();
    const others = fields.filter(({ name }) => !Object.hasOwn(own, name) && name !== vector.name);
    return Object.fromEntries(others.map(({ name, type }) => [name, kindsByType[String(type)] ?? "string"]));
  }

  async function addColumns(rows: readonly TableRow[]): Promise<Record<string, ValueKind>> {
    const kinds = await carried();
    const added: { name: string; valueSql: string }[] = [];
    for (const { columns } of rows) {
      for (const [name, value] of Object.entries(columns)) {
        if (value === null || Object.hasOwn(kinds, name) || isTaken(shape, name)) continue;
        const kind = typeof value as ValueKind; // of a StoredValue that is not null
        kinds[name] = kind;
        added.push({ name, valueSql: `cast(NULL as ${sqlTypes[kind]})` });
      }
    }
    if (added.length > 0) await writingTable(() => table.addColumns(added));
    return kinds;
  }

  return {
    table,
    carried,
    async prepare(given) {
      const rows = given.map((row) => ({ ...row, columns: storedColumns(row.columns) }));
      const kinds = await addColumns(rows);
      const others = Object.entries(kinds);
      const carriedFields = others.map(([name, kind]) => new arrow.Field(name, carriedTypes[kind](), true));
      const fields = [...ownFields, vectorField, ...carriedFields];
      const data = new Float32Array(rows.length * vector.dimensions);
      for (const [i, row] of rows.entries()) data.set(row.vector, i * vector.dimensions);
      const child = arrow.makeData({ type: new arrow.Float32(), length: data.length, data });
      const columnsOf = [
        ...ownFields.map(
          ({ name, type }) =>
            arrow.vectorFromArray(
              rows.map((row) => row.own[name] ?? null),
              type,
            ).data[0]!,
        ),
        arrow.makeData({ type: vectorType, length: rows.length, nullCount: 0, child }),
        ...others.map(([name, kind]) => {
          const cells = rows.map(({ columns }) => cellOf(columns[name] ?? null, kind));
          return arrow.vectorFromArray(cells, carriedTypes[kind]()).data[0]!;
        }),
      ];
      const type = new arrow.Struct(fields);
      const struct = arrow.makeData({ type, length: rows.length, nullCount: 0, children: columnsOf });
      const schema = new arrow.Schema(fields);
      return new arrow.Table(schema, new arrow.RecordBatch(schema, struct));
    },
    close() {
      table.close();
      db.close();
    },
  };
}

/** Gives columns the names that Lance can have: it takes a dot for a field of a field, and has no way to quote a backtick. */
function storedColumns(columns: TableRow["columns"]): TableRow["columns"] {
  const named = Object.entries(columns).map(([name, value]) => [name.replace(/[.`]/g, "_") || "unnamed", value]);
  return Object.fromEntries(named);
}

/**
 * Runs what writes to a table. LanceDB says in words alone why it could not write; the number of the system's error is in them.
 * @throws EncoderError STORAGE_FAILED
 */
export async function writingTable<T>(write: () => Promise<T>): Promise<T> {
  return storing(() =>
    write().catch((cause: Error) => {
      const [, number] = /os error (\d+)/.exec(cause.message) ?? [];
      const code = Object.entries(osErrors).find(([, it]) => it === Number(number))?.[0];
      throw code === undefined ? cause : Object.assign(new Error(cause.message, { cause }), { code });
    }),
  );
}

const kindsByType: Readonly<Record<string, ValueKind>> = { Bool: "boolean", Float64: "number" };
const sqlTypes: Readonly<Record<ValueKind, string>> = { number: "double", boolean: "boolean", string: "string" };

/** Whether an input's column would take the place of the table's own or of LanceDB's, whose names begin with "_". */
const isTaken = ({ own, vector }: TableShape, name: string) =>
  Object.hasOwn(own, name) || name === vector.name || name.startsWith("_");

function cellOf(value: StoredValue, kind: ValueKind): StoredValue {
  if (value === null) return null;
  if (kind === "string") return String(value);
  return typeof value === kind ? value : null;
}

async function loadLance() {
  const packages = ["@lancedb/lancedb", "apache-arrow"];
  return loadOptional({ purpose: "An index or an output in Lance's format", packages }, async () => {
    const lance = await import("@lancedb/lancedb");
    // LanceDB is CommonJS and takes the tables of the very same copy of Arrow alone.
    const arrow: typeof import("apache-arrow") = createRequire(import.meta.url)("apache-arrow");
    return { lance, arrow };
  });
}

/** Quotes text for a condition. */
export const sqlText = (value: string) => `'${value.replaceAll("'", "''")}'`;

/** Vectors looked at for each list to find where the lists lie: all of them would take memory and minutes. */
const sampleRate = 64;

export interface ApproximateIndex {
  column: string;
  dimensions: number;
  lists: number;
}

/**
 * Builds an approximate index of the table's vectors: lists of vectors that lie near each other, each as one bit a number
 * (IVF-RQ), which is read in a thirtieth of the time that whole vectors take. It needs a number of dimensions that 8
 * divides, as nearly every model has; the lists of others hold whole vectors.
 */
export async function buildApproximateIndex(table: Table, { column, dimensions, lists }: ApproximateIndex) {
  const { lance } = await loadLance();
  const options = { distanceType: "cosine", numPartitions: lists, sampleRate } as const;
  const { ivfRq, ivfFlat } = lance.Index;
  const config = dimensions % 8 === 0 ? ivfRq({ ...options, numBits: 1 }) : ivfFlat(options);
  await table.createIndex(column, { config, replace: true });
}
