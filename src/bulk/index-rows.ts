import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { nameOf } from "../model/path-name.ts";
import type { OwnFields, StoredRow, VectorStore } from "../search/lance.ts";
import { createHashTable } from "./hash-table.ts";
import type { Item, Row, RowSink } from "./item.ts";
import type { Journal } from "./journal.ts";

export interface IndexRowsOptions {
  store: VectorStore;
  journal: Journal;
  dimensions: number;
  /** Says, by the number of the operand, which input of the index it is, and which folder its files are in. */
  inputs: readonly { number: number; root: string }[];
  /** Gives the number of a folder that paths are relative to; a new one is added. */
  rootNumber(folder: string): Promise<number>;
  /** Tells whether rows go that the inputs do not have any more. */
  prune: boolean;
  /** This is called with the path of each row that goes. */
  onPruned(path: string): void;
  /** Nothing is removed; what would be is only told. */
  dryRun: boolean;
}

export interface IndexRows extends RowSink {
  /** Notes that the inputs have this item, without reading it, which is enough to tell what is gone. */
  see(item: Pick<Item, "identity" | "origin">): void;
}

/** So many rows are written at once: 2 MB of vectors. */
const rowsPerWrite = 1000;

/** Takes the rows of a run into the index: what is new or different is written, and what is gone is removed. */
export async function createIndexRows(options: IndexRowsOptions): Promise<IndexRows> {
  const { store, journal, dimensions, inputs, prune, onPruned, dryRun } = options;
  const known = await readKnown(store);
  let pending: StoredRow[] = [];
  let isListed = true;

  async function flush(): Promise<void> {
    if (pending.length > 0) await store.put(pending);
    pending = [];
  }

  async function place({ item }: Row): Promise<{ root: number; path: string }> {
    if (item.origin.kind !== "file") return { root: -1, path: item.name };
    const path = item.origin.path.toString("latin1");
    const { root } = inputs[item.operand]!;
    const prefix = Buffer.from(root === "/" ? "/" : `${root}/`).toString("latin1");
    const isBelow = path.startsWith(prefix) && !/(^|\/)\.\.?(\/|$)/.test(path.slice(prefix.length));
    const folder = isBelow ? root : nameOf(Buffer.from(dirname(path), "latin1"));
    const below = isBelow ? path.slice(prefix.length) : basename(path);
    return { root: await options.rootNumber(folder), path: nameOf(Buffer.from(below, "latin1")) };
  }

  return {
    see({ identity, origin }) {
      if (origin.kind === "refused") isListed = false;
      known.see(idOf(identity));
    },
    async add(row) {
      const id = idOf(row.item.identity);
      if ("error" in row.outcome) {
        if (row.item.origin.kind === "refused") isListed = false;
        if (!row.outcome.error.code.startsWith("IMAGE_")) known.see(id); // it may be there again tomorrow
        return;
      }
      const { slot, contentHash: hash } = row.outcome;
      const { root, path } = await place(row);
      const input = inputs[row.item.operand]!.number;
      const { columns } = row.item;
      const version = row.version ?? "";
      const facts = JSON.stringify([input, root, path, version, hash, columns]);
      const digest = createHash("sha256").update(facts).digest("hex").slice(0, 8);
      if (known.see(id) === digest) return;
      const vector = new Float32Array(dimensions);
      journal.readVector(slot, vector);
      pending.push({ id, digest, input, root, path, version, hash, columns, vector });
      if (pending.length === rowsPerWrite) await flush();
    },
    async finish({ isComplete }) {
      await flush();
      // A folder that could not be read is not an empty one.
      if (!prune || !isComplete || !isListed) return;
      const gone = known.unseen(new Set(inputs.map(({ number }) => number)));
      for (const { path } of await pathsOf(store, gone)) onPruned(path);
      if (!dryRun) await store.remove(gone);
    },
  };
}

/** Makes an id that says nothing of the path. */
function idOf(identity: string): string {
  return createHash("sha256").update(identity).digest("hex").slice(0, 16);
}

/** Reads what the index has, in 40 bytes a row. */
async function readKnown(store: VectorStore) {
  const table = createHashTable();
  const rows = await store.count();
  const ids = Buffer.alloc(8 * rows);
  const digests = new Uint32Array(rows);
  const inputs = new Int32Array(rows);
  const seen = new Uint8Array(rows);
  const isAt = (id: Buffer) => (at: number) => id.compare(ids, 8 * at, 8 * at + 8) === 0;
  let count = 0;
  for await (const row of store.scan()) {
    if (count === rows) break;
    const id = Buffer.from(row.id, "hex");
    id.copy(ids, 8 * count);
    digests[count] = Number.parseInt(row.digest, 16);
    inputs[count] = row.input;
    table.set(id, count++, isAt(id));
  }
  return {
    /**
     * Notes that the run has the row.
     * @returns its digest, if the index has it as well
     */
    see(id: string): string | undefined {
      const bytes = Buffer.from(id, "hex");
      const at = table.find(bytes, isAt(bytes));
      if (at === undefined) return undefined;
      seen[at] = 1;
      return digests[at]!.toString(16).padStart(8, "0");
    },
    /** Lists the ids of the rows from these inputs that the run did not have. */
    unseen(of: ReadonlySet<number>): string[] {
      const gone: string[] = [];
      for (let at = 0; at < count; at++) {
        if (seen[at] === 0 && of.has(inputs[at]!)) gone.push(ids.toString("hex", 8 * at, 8 * at + 8));
      }
      return gone;
    },
  };
}

async function pathsOf(store: VectorStore, ids: readonly string[]): Promise<OwnFields[]> {
  const wanted = new Set(ids);
  const found: OwnFields[] = [];
  if (wanted.size === 0) return found;
  for await (const row of store.scan()) if (wanted.has(row.id)) found.push(row);
  return found;
}
