import { join } from "node:path";
import type { StoredValue, TableRow, ValueKind } from "./arrow-columns.ts";
import { buildApproximateIndex, type LanceTable, openLanceTable, sqlText, writingTable } from "./lance.ts";

/** Holds the pictures of an index: rows with a vector, in one table of a folder. */
export interface VectorStore {
  count(): Promise<number>;
  /** The names of columns that carry something of the input, with their kinds. */
  columns(): Promise<Record<string, ValueKind>>;
  /** Adds rows whose ids the store does not have. */
  add(rows: readonly StoredRow[]): Promise<void>;
  /** Replaces the rows with these ids. */
  replace(rows: readonly StoredRow[]): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  /** Yields every row's own fields, without vectors. */
  scan(): AsyncIterable<OwnFields>;
  get(id: string): Promise<FoundRow | undefined>;
  /** Gives at most `limit` rows, spread evenly over the table, with their vectors. */
  sample(limit: number): Promise<SampledRow[]>;
  /** Yields every row's vector, or those of these ids, in any order. */
  vectors(ids?: readonly string[]): AsyncIterable<{ id: string; vector: Float32Array }>;
  /** Finds the nearest rows, best first; the score is the cosine. */
  nearest(query: NearestQuery): Promise<FoundRow[]>;
  /** Merges small files, drops old versions, and takes new rows into the index if there is one. */
  compact(): Promise<void>;
  /** Builds the approximate index. */
  buildIndex(): Promise<void>;
  hasIndex(): Promise<boolean>;
  close(): void;
}

/** Every row has these besides its vector and the columns of its input. */
export interface OwnFields {
  id: string;
  /** Differs when anything of the row does. */
  digest: string;
  /** The row comes from the input of this number. */
  input: number;
  /** `path` is relative to the folder of this number, which is -1 where it is no file. */
  root: number;
  /** Relative path in the spelling of `nameOf`, a URL, or a tar and its member. */
  path: string;
  /** Size and time of the file when it was indexed; "" where there is none. */
  version: string;
  /** SHA-256 of the bytes, as base64. */
  hash: string;
}

export interface StoredRow extends OwnFields {
  vector: Float32Array;
  columns: Readonly<Record<string, StoredValue>>;
}

export interface FoundRow extends OwnFields {
  score: number;
  columns: Record<string, StoredValue>;
}

export type SampledRow = Omit<FoundRow, "score"> & { vector: Float32Array };

export interface NearestQuery {
  vector: Float32Array;
  limit: number;
  offset: number;
  /** Condition in SQL, as `filterSql` writes it. */
  where?: string | undefined;
  /** Looks at every row, also where there is an index. */
  exact?: boolean;
}

const ownPrefix = "_";
const own = {
  ...({ _id: "text", _digest: "text", _path: "text", _version: "text", _hash: "text" } as const),
  ...({ _input: "integer", _root: "integer" } as const),
};
const ownColumns = Object.keys(own);
const vectorColumn = "vector";
/** A search looks into this share of an index's lists; docs/bulk.md has the recall that this gives. */
const probedShare = 0.2;
/** Multiple of the rows asked for that is compared by whole vectors, since the index holds one bit a number. */
const comparedWhole = 10;

const tableName = "pictures";

/** Gives the folder that LanceDB keeps the table in. */
export const tablePath = (directory: string) => join(directory, `${tableName}.lance`);

/** @param directory an absolute path */
export async function openVectorStore(directory: string, dimensions: number): Promise<VectorStore> {
  const shape = { name: tableName, own, vector: { name: vectorColumn, dimensions } };
  const opened = await openLanceTable(directory, shape);
  return { ...rowReaders(opened), nearest: nearestIn(opened), ...rowWriters(opened, dimensions), close: opened.close };
}

type RowReaders = Pick<VectorStore, "count" | "columns" | "scan" | "vectors" | "get" | "sample" | "hasIndex">;

/** Another process may be writing: what answers a question looks at the latest version first. */
function rowReaders({ table, carried }: LanceTable): RowReaders {
  return {
    async count() {
      await table.checkoutLatest();
      return table.countRows();
    },
    async columns() {
      await table.checkoutLatest();
      return carried();
    },
    async *scan() {
      for await (const batch of table.query().select(ownColumns)) {
        for (const row of batch) yield ownOf(row);
      }
    },
    async *vectors(ids) {
      const conditions = ids ? [...idConditions(ids)] : [undefined];
      for (const condition of conditions) {
        const query = table.query().select(["_id", vectorColumn]);
        for await (const batch of condition === undefined ? query : query.where(condition)) {
          for (const row of batch) yield { id: row._id, vector: Float32Array.from(row[vectorColumn]) };
        }
      }
    },
    async get(id) {
      await table.checkoutLatest();
      const condition = `_id = ${sqlText(id)}`;
      const found = await table.query().where(condition).limit(1).toArray();
      return found[0] && foundOf(found[0], await carried());
    },
    async sample(limit) {
      await table.checkoutLatest();
      const [rows, kinds] = await Promise.all([table.countRows(), carried()]);
      const count = Math.min(limit, rows);
      if (count === 0) return [];
      const offsets = Array.from({ length: count }, (_, at) => Math.floor((at * rows) / count));
      const chosen = [...ownColumns, ...Object.keys(kinds), vectorColumn];
      const taken = await table.takeOffsets(offsets).select(chosen).toArray();
      return taken.map((row) => ({
        ...{ ...ownOf(row), columns: carriedOf(row, kinds) },
        vector: Float32Array.from(row[vectorColumn].toArray()),
      }));
    },
    hasIndex: async () => (await table.listIndices()).length > 0,
  };
}

function nearestIn({ table, carried }: LanceTable): VectorStore["nearest"] {
  return async ({ vector, limit, offset, where, exact = false }) => {
    await table.checkoutLatest();
    const rows = await table.countRows();
    if (rows === 0) return [];
    const kinds = await carried();
    let query = table.query().nearestTo(vector).distanceType("cosine").limit(limit).offset(offset);
    if (exact) query = query.bypassVectorIndex();
    // Where a filter leaves too few rows in these lists, the others are looked into as well: zero means all. It comes
    // first, since the minimum must not exceed the maximum, which is 20 unless it is set.
    else {
      query = query.maximumNprobes(0).minimumNprobes(Math.ceil(probedShare * listsFor(rows)));
      query = query.refineFactor(comparedWhole);
    }
    if (where !== undefined) query = query.where(where);
    const found = await query.select([...ownColumns, ...Object.keys(kinds), "_distance"]).toArray();
    return found.map((row) => foundOf(row, kinds));
  };
}

type RowWriters = Pick<VectorStore, "add" | "replace" | "remove" | "compact" | "buildIndex">;

function rowWriters({ table, prepare }: LanceTable, dimensions: number): RowWriters {
  return {
    async add(rows) {
      const prepared = await prepare(rows.map(tableRow));
      await writingTable(() => table.add(prepared));
    },
    async replace(rows) {
      const merge = table.mergeInsert("_id").whenMatchedUpdateAll().whenNotMatchedInsertAll();
      const prepared = await prepare(rows.map(tableRow));
      await writingTable(() => merge.execute(prepared));
    },
    async remove(ids) {
      for (const condition of idConditions(ids)) await writingTable(() => table.delete(condition));
    },
    async compact() {
      const cleanupOlderThan = new Date(Date.now() - keptVersionsMs);
      await writingTable(() => table.optimize({ cleanupOlderThan }));
    },
    async buildIndex() {
      const lists = listsFor(await table.countRows());
      await writingTable(() => buildApproximateIndex(table, { column: vectorColumn, dimensions, lists }));
    },
  };
}

/** Gives twice the square root: more and smaller lists find more for the same work, and take longer to build. */
const listsFor = (rows: number) => Math.max(1, Math.min(rows, Math.round(2 * Math.sqrt(rows))));

const idsPerCondition = 500;
/** Readers that opened an older version go on with it for this long. */
const keptVersionsMs = 3_600_000;

function* idConditions(ids: readonly string[]): Generator<string> {
  for (let at = 0; at < ids.length; at += idsPerCondition) {
    const list = ids.slice(at, at + idsPerCondition).map(sqlText);
    yield `_id IN (${list.join(", ")})`;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: LanceDB gives rows as untyped records
type LanceRow = any;

function tableRow({ columns, vector, ...fields }: StoredRow): TableRow {
  const own = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${ownPrefix}${name}`, value]));
  return { own, columns, vector };
}

function ownOf({ _id, _digest, _input, _root, _path, _version, _hash }: LanceRow): OwnFields {
  return { id: _id, digest: _digest, input: _input, root: _root, path: _path, version: _version, hash: _hash };
}

function foundOf(row: LanceRow, kinds: Readonly<Record<string, ValueKind>>): FoundRow {
  return { ...ownOf(row), score: 1 - row._distance, columns: carriedOf(row, kinds) };
}

function carriedOf(row: LanceRow, kinds: Readonly<Record<string, ValueKind>>): Record<string, StoredValue> {
  return Object.fromEntries(Object.keys(kinds).map((name) => [name, row[name] ?? null]));
}
