import { numberOf, ofKind, type ValueKind } from "../../search/arrow-columns.ts";
import type { ColumnValue } from "../items/item.ts";
import type { ListRecord } from "./records.ts";

/** A record whose columns have one kind of value each in the whole list. */
export interface KindRecord extends ListRecord {
  /** The fields as the list has them. */
  given: ListRecord["fields"];
}

/** Limits the rows whose values decide a column's kind: enough for columns that are often empty. */
export const looked = 200;

/**
 * Gives every column one kind of value for the whole list, told from its first rows, so that all parts of the output have the
 * same columns: numbers where all are numbers (also in text, unless they have leading zeros), and else text. A later value of
 * another kind becomes null.
 * @param onLeftOut called with the column of such a value, and the column's kind
 */
export async function* withColumnKinds(
  records: AsyncIterable<ListRecord>,
  onLeftOut: (column: string, kind: ValueKind) => void,
): AsyncGenerator<KindRecord> {
  let first: ListRecord[] | undefined = [];
  let kinds = new Map<string, ValueKind>();
  const castField = ([name, value]: [string, ColumnValue]) => {
    const kind = kinds.get(name) ?? "string";
    const cast = ofKind(value, kind);
    if (value !== null && cast === null) onLeftOut(name, kind);
    return [name, cast];
  };
  const cast = (record: ListRecord): KindRecord => {
    const fields = Object.fromEntries(Object.entries(record.fields).map(castField));
    return { ...record, fields, given: record.fields };
  };
  for await (const record of records) {
    if (first?.length === 0 && Object.keys(record.fields).length === 0) {
      yield cast(record); // lists of lines have no columns, and may be typed at this moment
      continue;
    }
    if (first && first.push(record) < looked) continue;
    if (first) {
      kinds = kindsOf(first);
      for (const record of first) yield cast(record);
      first = undefined;
    } else yield cast(record);
  }
  if (!first) return;
  kinds = kindsOf(first);
  for (const record of first) yield cast(record);
}

function kindsOf(records: readonly ListRecord[]): Map<string, ValueKind> {
  const kinds = new Map<string, ValueKind>();
  for (const { fields } of records) {
    for (const [name, value] of Object.entries(fields)) {
      if (value === null) continue;
      const kind = kindOf(value);
      const before = kinds.get(name);
      kinds.set(name, before === undefined || before === kind ? kind : "string");
    }
  }
  return kinds;
}

function kindOf(value: Exclude<ColumnValue, null>): ValueKind {
  if (typeof value !== "string") return typeof value === "number" ? "number" : "boolean";
  return numberOf(value) === undefined ? "string" : "number";
}
