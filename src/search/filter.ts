import { EncoderError } from "../errors.ts";
import type { StoredValue, ValueKind } from "./arrow-columns.ts";

/** Has conditions `{"column": value | [values] | {"gt"|"gte"|"lt"|"lte": value}}`, joined by AND. */
export type Filter = Readonly<Record<string, unknown>>;

const comparisons: Readonly<Record<string, string>> = { gt: ">", gte: ">=", lt: "<", lte: "<=" };
/** Longer lists make the condition slower than a search without it. */
const maxValues = 200;

/**
 * Turns a filter into a condition for LanceDB. Nothing that a client sent reaches it but names of columns that there
 * are, and values as literals.
 * @throws EncoderError INVALID_REQUEST
 */
export function filterSql(filter: Filter, columns: Readonly<Record<string, ValueKind>>): string | undefined {
  const conditions = Object.entries(filter).map(([name, wanted]) => {
    if (!Object.hasOwn(columns, name)) {
      const names = Object.keys(columns).join(", ") || "none";
      throw invalid(`There is no column ${JSON.stringify(name)} to filter by; there are: ${names}.`);
    }
    return condition({ name, column: `\`${name.replaceAll("`", "``")}\``, kind: columns[name]! }, wanted);
  });
  return conditions.length > 0 ? conditions.join(" AND ") : undefined;
}

interface Column {
  name: string;
  column: string;
  kind: ValueKind;
}

function condition({ name, column, kind }: Column, wanted: unknown): string {
  const literalOf = (value: unknown) => literal(value, name, kind);
  if (wanted === null) return `${column} IS NULL`;
  if (Array.isArray(wanted)) {
    if (wanted.length === 0 || wanted.length > maxValues) {
      throw invalid(`The filter of ${name} holds ${wanted.length} values; expected 1 to ${maxValues}.`);
    }
    return `${column} IN (${wanted.map(literalOf).join(", ")})`;
  }
  if (typeof wanted !== "object") return `${column} = ${literalOf(wanted)}`;
  const parts = Object.entries(wanted).map(([comparison, value]) => {
    if (!Object.hasOwn(comparisons, comparison)) {
      throw invalid(`The filter of ${name} has ${JSON.stringify(comparison)}; expected gt, gte, lt or lte.`);
    }
    return `${column} ${comparisons[comparison]} ${literalOf(value)}`;
  });
  if (parts.length === 0) throw invalid(`The filter of ${name} is empty.`);
  return `(${parts.join(" AND ")})`;
}

function literal(value: unknown, name: string, kind: ValueKind): string {
  if (typeof value !== kind || (typeof value === "number" && !Number.isFinite(value))) {
    throw invalid(
      `The filter of ${name} holds ${typeof value === "number" ? value : JSON.stringify(value)}; expected a ${kind}.`,
    );
  }
  const checked = value as Exclude<StoredValue, null>; // of the kind that was just compared
  if (typeof checked === "string") return `'${checked.replaceAll("'", "''")}'`;
  return typeof checked === "number" ? `CAST(${checked} AS DOUBLE)` : String(checked);
}

function invalid(message: string): EncoderError {
  return new EncoderError("INVALID_REQUEST", message);
}
