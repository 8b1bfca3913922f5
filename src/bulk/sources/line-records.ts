import { EncoderError } from "../../errors.ts";
import { splitBytes } from "../bytes.ts";
import type { ColumnValue } from "../items/item.ts";
import { type ListRecord, maxRecordBytes } from "./records.ts";

const byteOrderMark = Buffer.from("\ufeff");
const carriageReturn = 0x0d;

/** Reads inputs of which each ends with a NUL character, as `find -print0` writes names; these may have line ends. */
export async function* readNulEnded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ListRecord> {
  for await (const { bytes, isTooLong } of splitBytes(chunks, { separator: 0, maxLength: maxRecordBytes })) {
    if (isTooLong) yield { fields: {}, error: tooLong() };
    else if (bytes.length > 0) yield { fields: {}, line: bytes };
  }
}

/** Reads one input a line; empty lines are left out. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ListRecord> {
  let isFirst = true;
  for await (const { bytes, isTooLong } of splitBytes(chunks, { separator: 0x0a, maxLength: maxRecordBytes })) {
    let line = isFirst && bytes.subarray(0, 3).equals(byteOrderMark) ? bytes.subarray(3) : bytes;
    isFirst = false;
    if (line.at(-1) === carriageReturn) line = line.subarray(0, -1);
    if (isTooLong) yield { fields: {}, error: tooLong() };
    else if (line.length > 0) yield { fields: {}, line };
  }
}

/** Reads one JSON object a line; a line that is a string is an input by itself. */
export async function* readJsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ListRecord> {
  for await (const { fields, line, error } of readLines(chunks)) {
    if (line === undefined) yield { fields, ...(error && { error }) };
    else yield parseLine(line);
  }
}

function parseLine(line: Buffer): ListRecord {
  try {
    const value = parseJson(line.toString());
    if (typeof value === "string") return { fields: {}, line: Buffer.from(value) };
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return { fields: flat(value) };
  } catch {
    // It is told below.
  }
  return { fields: {}, error: malformed("Expected a JSON object or a string on each line, found something else.") };
}

/** JSON.parse rounds integers beyond 2^53, which are other ids then: here such become text. */
export const parseJson = (json: string): unknown => JSON.parse(withLongIntegers(json));

function withLongIntegers(json: string): string {
  if (!/\d{16}/.test(json)) return json;
  return json.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => {
    const isRounded = /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
    return isRounded ? `"${token}"` : token;
  });
}

/** Gives values that a table can hold; what is nested becomes JSON. */
export function flat(value: object): Record<string, ColumnValue> {
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cell(inner)]));
}

function cell(value: unknown): ColumnValue {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "bigint") return exact(value);
  if (value instanceof Date) return value.toISOString();
  return JSON.stringify(value, (_key, inner) => (typeof inner === "bigint" ? exact(inner) : inner));
}

/** Gives an integer as text where a number would be another one. */
function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

export function tooLong(): EncoderError {
  return new EncoderError("INPUT_REFUSED", `Expected at most ${maxRecordBytes} bytes in a row, found more.`);
}

export function malformed(message: string): EncoderError {
  return new EncoderError("INPUT_UNREADABLE", message);
}
