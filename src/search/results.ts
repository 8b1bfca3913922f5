import { join, relative } from "node:path";
import type { IndexFacts } from "./index-facts.ts";
import type { StoredValue } from "./lance.ts";
import type { FoundRow } from "./vector-store.ts";

/** A found picture, as people and programs see it. */
export interface Result {
  id: string;
  /** Cosine with the question. */
  score: number;
  path?: string;
  url?: string;
  columns: Record<string, StoredValue>;
}

const isUrl = (path: string) => /^https?:\/\//i.test(path);

/** A result for others: its path is relative to the indexed input, and leads nowhere else. */
export function publicResult({ id, score, path, columns }: FoundRow): Result {
  return { id, score, ...(isUrl(path) ? { url: path } : { path: path.replace(/^\/+/, "") }), columns };
}

/** A result on this machine: its path opens from the working directory. */
export function localResult(row: FoundRow, { roots }: IndexFacts): Result {
  const root = roots[row.root];
  if (root === undefined) return publicResult(row);
  return { ...publicResult(row), path: relative(process.cwd(), join(root, row.path)) };
}
