import { createRequire } from "node:module";
import { constants } from "node:os";
import type { Table } from "@lancedb/lancedb";
import type { Table as ArrowTable } from "apache-arrow";
import { loadOptional } from "../host/optional-package.ts";
import { storing } from "../storage/storing.ts";
import { createArrowColumns, type TableRow, type TableShape, type ValueKind } from "./arrow-columns.ts";

const { errno: osErrors } = constants;

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
  const columns = createArrowColumns(arrow, shape);
  const db = await lance.connect(directory);
  const names = await db.tableNames();
  const table = names.includes(shape.name)
    ? await db.openTable(shape.name)
    : await writingTable(() => db.createEmptyTable(shape.name, columns.schema({}), { mode: "create", existOk: true }));

  async function carried(): Promise<Record<string, ValueKind>> {
    const { fields } = await table.schema();
    const others = fields.filter(({ name }) => !Object.hasOwn(shape.own, name) && name !== shape.vector.name);
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
      return columns.table(rows, await addColumns(rows));
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
