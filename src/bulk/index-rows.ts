import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import type { ErrorCode } from "../errors.ts";
import { bytesOf, nameOf } from "../model/path-name.ts";
import type { StoredRow, VectorStore } from "../search/vector-store.ts";
import { type IndexInput, unmetInput } from "./index-inputs.ts";
import type { Row, RowSink } from "./items/item.ts";
import type { Journal } from "./journal/journal.ts";
import { readKnownRows, rowId, rowsOf } from "./known-rows.ts";
import { removeRows } from "./thumbnails.ts";

export interface IndexRowsOptions {
  /** Folder of the index. */
  directory: string;
  store: VectorStore;
  journal: Journal;
  dimensions: number;
  /** By the number of the operand. */
  inputs: readonly IndexInput[];
  /** Gives the number of a folder that paths are relative to; a new one is added. */
  rootNumber(folder: string): Promise<number>;
  /** Tells whether rows go that the inputs do not have any more. */
  prune: boolean;
  /** Called with the path of each row that goes. */
  onPruned(path: string): void;
  /** Called where pruning was asked for and cannot be done, with the reason. */
  onNotPruned(reason: string): void;
}

/** Rows that are written at once: 8 MB of vectors. */
const rowsPerWrite = 4000;

/** Takes the rows of a run into the index: what is new or different is written, and what is gone is removed. */
export async function createIndexRows(options: IndexRowsOptions): Promise<RowSink> {
  const { directory, store, journal, dimensions, inputs, prune, onPruned, onNotPruned } = options;
  const known = await readKnownRows(store);
  const added = new Map<string, StoredRow>();
  const changed = new Map<string, StoredRow>();
  const met = new Set<number>();
  let unlisted: string | undefined;

  async function flush(): Promise<void> {
    if (added.size + changed.size === 0) return;
    await journal.sync();
    if (added.size > 0) await store.add([...added.values()]);
    if (changed.size > 0) await store.replace([...changed.values()]);
    added.clear();
    changed.clear();
  }

  async function place({ item }: Row): Promise<{ root: number; path: string }> {
    if (item.origin.kind === "member") return { root: -1, path: item.origin.path };
    if (item.origin.kind !== "file") return { root: -1, path: item.name };
    const path = item.origin.path.toString("latin1");
    const { root } = inputs[item.operand]!;
    const prefix = bytesOf(root === "/" ? "/" : `${root}/`).toString("latin1");
    const isBelow = path.startsWith(prefix) && !/(^|\/)\.\.?(\/|$)/.test(path.slice(prefix.length));
    const folder = nameOf(isBelow ? bytesOf(root) : Buffer.from(dirname(path), "latin1"));
    const below = isBelow ? path.slice(prefix.length) : basename(path);
    return { root: await options.rootNumber(folder), path: nameOf(Buffer.from(below, "latin1")) };
  }

  return {
    async add(row) {
      const id = rowId(row.item.identity);
      met.add(inputs[row.item.operand]!.number);
      if ("error" in row.outcome) {
        if (row.item.origin.kind === "refused") unlisted ??= row.item.name;
        if (!isGoneFor(row.outcome.error.code)) known.see(id);
        return;
      }
      const { slot, contentHash: hash } = row.outcome;
      const { root, path } = await place(row);
      const input = inputs[row.item.operand]!.number;
      const { columns } = row.item;
      const version = row.version ?? "";
      const facts = JSON.stringify([input, root, path, version, hash, columns]);
      const digest = createHash("sha256").update(facts).digest("hex").slice(0, 8);
      const was = known.put(id, { digest, input });
      if (was === "same") return;
      const vector = new Float32Array(dimensions);
      journal.readVector(slot, vector);
      const isAdded = was === "new" || added.has(id);
      (isAdded ? added : changed).set(id, { id, digest, input, root, path, version, hash, columns, vector });
      if (added.size + changed.size === rowsPerWrite) await flush();
    },
    async finish({ isComplete }) {
      await flush();
      if (!prune || !isComplete) return;
      // A folder that could not be read is not an empty one.
      if (unlisted !== undefined) return onNotPruned(`${unlisted} could not be read`);
      if (unmetInput(inputs, met) >= 0) return onNotPruned("an input has no pictures at all");
      const gone = await rowsOf(store, known.unseen(met));
      for (const { path } of gone) onPruned(path);
      await removeRows(gone, store, directory);
    },
  };
}

/** Tells whether the picture is no more; one that cannot be read or fetched today may be there again tomorrow. */
function isGoneFor(code: ErrorCode): boolean {
  return code.startsWith("IMAGE_") || code === "INPUT_NOT_FOUND";
}
