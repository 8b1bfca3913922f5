import { join, relative } from "node:path";
import { workingFolder } from "../host/working-folder.ts";
import { nameOf } from "../model/path-name.ts";
import type { StoredValue } from "./arrow-columns.ts";
import type { IndexFacts } from "./index-facts.ts";
import type { FoundRow } from "./vector-store.ts";

/** Describes an indexed picture as people and programs see it. */
export interface IndexedPicture {
  id: string;
  path?: string;
  url?: string;
  columns: Record<string, StoredValue>;
}

export interface Result extends IndexedPicture {
  /** Cosine with the question. */
  score: number;
}

const isUrl = (path: string) => /^https?:\/\//i.test(path);

/** Shows a picture to others: its path is relative to the indexed input, and leads nowhere else. */
export function publicPicture({ id, path, columns }: Omit<FoundRow, "score">): IndexedPicture {
  return { id, ...(isUrl(path) ? { url: path } : { path: path.replace(/^\/+/, "") }), columns };
}

export function publicResult(row: FoundRow): Result {
  const { id, ...picture } = publicPicture(row);
  return { id, score: row.score, ...picture };
}

/** Shows a result on this machine: its path opens from the working directory. */
export function localResult(row: FoundRow, { roots }: IndexFacts): Result {
  const root = roots[row.root];
  if (root === undefined) return publicResult(row);
  const path = relative(nameOf(workingFolder()), join(root, row.path));
  return { ...publicResult(row), path: path.startsWith("-") ? `./${path}` : path }; // no program takes it for an option
}
