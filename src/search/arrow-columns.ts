import type { DataType, Schema, Table } from "apache-arrow";

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

type Kinds = Readonly<Record<string, ValueKind>>;

/** Knows a table's columns as Arrow has them. */
export interface ArrowColumns {
  /** @param carried the columns that carry something of the inputs */
  schema(carried: Kinds): Schema;
  table(rows: readonly TableRow[], carried: Kinds): Table;
}

export function createArrowColumns(arrow: typeof import("apache-arrow"), { own, vector }: TableShape): ArrowColumns {
  const ownTypes = { text: () => new arrow.Utf8(), integer: () => new arrow.Int32() };
  const carriedTypes = {
    number: () => new arrow.Float64(),
    boolean: () => new arrow.Bool(),
    string: () => new arrow.Utf8(),
  };
  const ownFields = Object.entries(own).map(([name, kind]) => new arrow.Field(name, ownTypes[kind](), true));
  const vectorType = new arrow.FixedSizeList(vector.dimensions, new arrow.Field("item", new arrow.Float32(), true));
  const vectorField = new arrow.Field(vector.name, vectorType, false);

  const schema = (carried: Kinds) => {
    const others = Object.entries(carried).map(([name, kind]) => new arrow.Field(name, carriedTypes[kind](), true));
    return new arrow.Schema([...ownFields, vectorField, ...others]);
  };
  const cells = (values: readonly StoredValue[], type: DataType) => arrow.vectorFromArray(values, type).data[0]!;
  const vectors = (rows: readonly TableRow[]) => {
    const data = new Float32Array(rows.length * vector.dimensions);
    for (const [i, row] of rows.entries()) data.set(row.vector, i * vector.dimensions);
    const child = arrow.makeData({ type: new arrow.Float32(), length: data.length, data });
    return arrow.makeData({ type: vectorType, length: rows.length, nullCount: 0, child });
  };

  return {
    schema,
    table(rows, carried) {
      const ownCells = ownFields.map(({ name, type }) =>
        cells(
          rows.map((row) => row.own[name] ?? null),
          type,
        ),
      );
      const carriedCells = Object.entries(carried).map(([name, kind]) => {
        const values = rows.map(({ columns }) => ofKind(columns[name] ?? null, kind));
        // Arrow writes no bits for booleans that are all null, and LanceDB asks for some. Bytes have enough of them.
        const lacksBits = kind === "boolean" && values.every((value) => value === null);
        return cells(values, lacksBits ? new arrow.Int8() : carriedTypes[kind]());
      });
      const whole = schema(carried);
      const struct = arrow.makeData({
        type: new arrow.Struct(whole.fields),
        length: rows.length,
        nullCount: 0,
        children: [...ownCells, vectors(rows), ...carriedCells],
      });
      return new arrow.Table(whole, new arrow.RecordBatch(whole, struct));
    },
  };
}

/** Gives a value as one of a column's kind, also where it is written as text; null where it is none. */
export function ofKind(value: StoredValue, kind: ValueKind): StoredValue {
  if (value === null) return null;
  if (kind === "string") return String(value);
  if (typeof value === kind) return value;
  if (kind === "boolean") return value === "true" || (value === "false" ? false : null);
  return typeof value === "string" ? (numberOf(value) ?? null) : null;
}

/** Reads a number that is written as JavaScript writes it, so that one with leading zeros stays text. */
export function numberOf(text: string): number | undefined {
  const number = Number(text);
  return Number.isFinite(number) && String(number) === text ? number : undefined;
}
