import { createRequire } from "node:module";
import type { Connection, Table } from "@lancedb/lancedb";
import { EncoderError } from "../errors.ts";

/**
 * Keeps rows with a vector in one table of a folder. This is the only module that knows LanceDB, which like Apache
 * Arrow is optional, and loaded when a store is opened.
 */
export interface VectorStore {
  count(): Promise<number>;
  /** The names of columns that carry something of the input, with their kinds. */
  columns(): Promise<Record<string, ValueKind>>;
  /** Adds rows; those whose id is there already are replaced. */
  put(rows: readonly StoredRow[]): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  /** Yields every row's own fields, without vectors. */
  scan(): AsyncIterable<OwnFields>;
  get(id: string): Promise<FoundRow | undefined>;
  /** Every row's vector, or those of these ids, in any order. */
  vectors(ids?: readonly string[]): AsyncIterable<{ id: string; vector: Float32Array }>;
  /** Finds the nearest rows, best first; the score is the dot product. */
  nearest(query: NearestQuery): Promise<FoundRow[]>;
  /** At most so many rows, spread evenly over the table, with their vectors. */
  sample(limit: number): Promise<SampledRow[]>;
  /** Merges small files, drops old versions, and takes new rows into the index if there is one. */
  compact(): Promise<void>;
  /** Builds the approximate index. */
  buildIndex(): Promise<void>;
  hasIndex(): Promise<boolean>;
  close(): void;
}

export type ValueKind = "number" | "boolean" | "string";
export type StoredValue = string | number | boolean | null;

/** Every row has these besides its vector and the columns of its input. */
export interface OwnFields {
  id: string;
  /** Differs when anything of the row does. */
  digest: string;
  /** The row comes from the input of this number. */
  input: number;
  /** `path` is relative to the folder of this number, which is -1 where it is no file. */
  root: number;
  /** This is a relative path in the spelling of `nameOf`, a URL, or a tar and its member. */
  path: string;
  /** These are size and time of the file when it was indexed; "" means that there is none. */
  version: string;
  /** This is the SHA-256 of the bytes, as base64. */
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
  /** This is a condition in SQL, as `filterSql` writes it. */
  where?: string | undefined;
  /** Looks at every row, also where there is an index. */
  exact?: boolean;
}

const tableName = "pictures";
const ownPrefix = "_";
const vectorColumn = "vector";
/** A search looks into this share of an index's lists; docs/bulk.md has the recall that this gives. */
const probedShare = 0.2;

export async function openVectorStore(directory: string, dimensions: number): Promise<VectorStore> {
  const { connect, Index, makeArrowTable, arrow } = await loadLance();
  const db: Connection = await connect(directory);
  const names = await db.tableNames();
  const table: Table = names.includes(tableName)
    ? await db.openTable(tableName)
    : await db.createEmptyTable(tableName, new arrow.Schema(ownArrowFields()), { mode: "create", existOk: true });

  function ownArrowFields() {
    const text = (name: string) => new arrow.Field(`${ownPrefix}${name}`, new arrow.Utf8(), true);
    const item = new arrow.Field("item", new arrow.Float32(), true);
    return [
      ...["id", "digest", "path", "version", "hash"].map(text),
      ...["input", "root"].map((name) => new arrow.Field(`${ownPrefix}${name}`, new arrow.Int32(), true)),
      new arrow.Field(vectorColumn, new arrow.FixedSizeList(dimensions, item), true),
    ];
  }

  async function columns(): Promise<Record<string, ValueKind>> {
    const { fields } = await table.schema();
    const carried = fields.filter(({ name }) => !name.startsWith(ownPrefix) && name !== vectorColumn);
    return Object.fromEntries(
      carried.map(({ name, type }) => {
        const kind = String(type);
        if (kind === "Bool") return [name, "boolean"];
        return [name, kind === "Float64" ? "number" : "string"];
      }),
    );
  }

  /** Adds the columns that rows have and the table has not. */
  async function addColumns(rows: readonly StoredRow[]): Promise<Record<string, ValueKind>> {
    const known = await columns();
    const added: { name: string; valueSql: string }[] = [];
    for (const { columns: values } of rows) {
      for (const [name, value] of Object.entries(values)) {
        if (value === null || known[name] !== undefined) continue;
        const kind = typeof value as ValueKind; // a StoredValue that is not null
        known[name] = kind;
        const sqlType = { number: "double", boolean: "boolean", string: "string" }[kind];
        added.push({ name, valueSql: `cast(NULL as ${sqlType})` });
      }
    }
    if (added.length > 0) await table.addColumns(added);
    return known;
  }

  function tableOf(rows: readonly StoredRow[], kinds: Readonly<Record<string, ValueKind>>) {
    const types = {
      number: () => new arrow.Float64(),
      boolean: () => new arrow.Bool(),
      string: () => new arrow.Utf8(),
    };
    const carried = Object.entries(kinds).map(([name, kind]) => new arrow.Field(name, types[kind](), true));
    const schema = new arrow.Schema([...ownArrowFields(), ...carried]);
    const records = rows.map(({ columns: values, vector, ...own }) => {
      const fields = Object.entries(own).map(([name, value]) => [`${ownPrefix}${name}`, value]);
      const cells = Object.entries(kinds).map(([name, kind]) => [name, cellOf(values[name] ?? null, kind)]);
      return { ...Object.fromEntries([...fields, ...cells]), vector };
    });
    return makeArrowTable(records, { schema });
  }

  return {
    count: () => table.countRows(),
    columns,
    async put(rows) {
      const kinds = await addColumns(rows);
      await table
        .mergeInsert(`${ownPrefix}id`)
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute(tableOf(rows, kinds));
    },
    async remove(ids) {
      for (const condition of idConditions(ids)) await table.delete(condition);
    },
    async *scan() {
      for await (const batch of table.query().select(ownColumns)) {
        for (const row of batch) yield ownOf(row);
      }
    },
    async *vectors(ids) {
      const conditions = ids ? [...idConditions(ids)] : [undefined];
      for (const condition of conditions) {
        const query = table.query().select([`${ownPrefix}id`, vectorColumn]);
        for await (const batch of condition === undefined ? query : query.where(condition)) {
          for (const row of batch) yield { id: row[`${ownPrefix}id`], vector: Float32Array.from(row[vectorColumn]) };
        }
      }
    },
    async get(id) {
      await table.checkoutLatest();
      const found = await table
        .query()
        .where(`${ownPrefix}id = '${id.replaceAll("'", "''")}'`)
        .limit(1)
        .toArray();
      return found[0] && foundOf(found[0], await columns());
    },
    async nearest({ vector, limit, offset, where, exact = false }) {
      await table.checkoutLatest(); // another process may be writing
      const rows = await table.countRows();
      if (rows === 0) return [];
      const kinds = await columns();
      let query = table.query().nearestTo(vector).distanceType("dot").limit(limit).offset(offset);
      if (exact) query = query.bypassVectorIndex();
      else query = query.nprobes(Math.ceil(probedShare * listsFor(rows)));
      if (where !== undefined) query = query.where(where);
      const found = await query.select([...ownColumns, ...Object.keys(kinds), "_distance"]).toArray();
      return found.map((row) => foundOf(row, kinds));
    },
    async sample(limit) {
      await table.checkoutLatest();
      const [rows, kinds] = await Promise.all([table.countRows(), columns()]);
      const count = Math.min(limit, rows);
      if (count === 0) return [];
      const offsets = Array.from({ length: count }, (_, at) => Math.floor((at * rows) / count));
      const chosen = [...ownColumns, ...Object.keys(kinds), vectorColumn];
      const taken = await table.takeOffsets(offsets).select(chosen).toArray();
      return taken.map((row) => ({
        ...ownOf(row),
        columns: carriedOf(row, kinds),
        vector: Float32Array.from(row[vectorColumn].toArray()),
      }));
    },
    async compact() {
      await table.optimize({ cleanupOlderThan: new Date(Date.now() - keptVersionsMs) });
    },
    async buildIndex() {
      const numPartitions = listsFor(await table.countRows());
      await table.createIndex(vectorColumn, {
        config: Index.ivfFlat({ distanceType: "dot", numPartitions }),
        replace: true,
      });
    },
    hasIndex: async () => (await table.listIndices()).length > 0,
    close() {
      table.close();
      db.close();
    },
  };
}

/** Gives as many lists as vectors in each, which needs the fewest comparisons. */
const listsFor = (rows: number) => Math.max(1, Math.round(Math.sqrt(rows)));

const ownColumns = ["id", "digest", "input", "root", "path", "version", "hash"].map((name) => `${ownPrefix}${name}`);
const idsPerCondition = 500;
/** Readers that opened an older version go on with it for this long. */
const keptVersionsMs = 3_600_000;

function* idConditions(ids: readonly string[]): Generator<string> {
  for (let at = 0; at < ids.length; at += idsPerCondition) {
    const list = ids.slice(at, at + idsPerCondition).map((id) => `'${id.replaceAll("'", "''")}'`);
    yield `${ownPrefix}id IN (${list.join(", ")})`;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: LanceDB gives rows as untyped records
type LanceRow = any;

function ownOf(row: LanceRow): OwnFields {
  const [id, digest, input, root, path, version, hash] = ownColumns.map((name) => row[name]);
  return { id, digest, input, root, path, version, hash };
}

function foundOf(row: LanceRow, kinds: Readonly<Record<string, ValueKind>>): FoundRow {
  return { ...ownOf(row), score: 1 - row._distance, columns: carriedOf(row, kinds) };
}

function carriedOf(row: LanceRow, kinds: Readonly<Record<string, ValueKind>>): Record<string, StoredValue> {
  return Object.fromEntries(Object.keys(kinds).map((name) => [name, row[name] ?? null]));
}

function cellOf(value: StoredValue, kind: ValueKind): StoredValue {
  if (value === null) return null;
  if (kind === "string") return String(value);
  return typeof value === kind ? value : null;
}

/** @throws EncoderError CONFIG_INVALID saying what to install. */
async function loadLance() {
  try {
    const lance = await import("@lancedb/lancedb");
    // LanceDB is CommonJS and takes the tables of the very same copy of Arrow alone.
    const arrow: typeof import("apache-arrow") = createRequire(import.meta.url)("apache-arrow");
    return { ...lance, arrow };
  } catch (cause) {
    const message =
      "An index needs LanceDB, which is not installed; install it with: npm install @lancedb/lancedb@0.31.0 apache-arrow@18.1.0";
    throw new EncoderError("CONFIG_INVALID", message, { cause });
  }
}
