import type { ErrorCode } from "../../errors.ts";

/** What must be the same in every run into one output, by the name that people know it by. */
export type Facts = Readonly<Record<string, string | number>>;

/** Lines of the journal's log, as JSON. Its first one holds the facts. */
export type Line = { facts: Facts } | InputLine | Mark;

/** What became of an input: `id` tells which one, and `v` in which version it was seen. */
export type InputLine = VectorLine | FailureLine;

export interface VectorLine {
  id: string;
  v?: string;
  /** SHA-256 of the input's bytes, as base64. */
  hash: string;
  slot: number;
  /** Checksum of the vector in this slot. */
  sum: number;
}

export interface FailureLine {
  id: string;
  v?: string;
  code: ErrorCode;
  error: string;
}

/** Says that all vectors of the lines before it are on disk, and which part was written with them or removed (null). */
export type Mark = { part: number; digest: string | null } | { synced: true };

export const isMark = (line: InputLine | Mark): line is Mark => "part" in line || "synced" in line;
