import { createHash } from "node:crypto";
import type { OwnFields, VectorStore } from "../search/vector-store.ts";
import { createHashTable } from "./journal/hash-table.ts";

const idBytes = 8;

/** Which rows an index has and which of them a run has met, in some 40 bytes a row. */
export async function readKnownRows(store: VectorStore) {
  const table = createHashTable();
  let capacity = (await store.count()) + 1024;
  let ids = Buffer.alloc(idBytes * capacity);
  let digests = new Uint32Array(capacity);
  let inputs = new Int32Array(capacity);
  let seen = new Uint8Array(capacity);
  let count = 0;

  const isAt = (id: Buffer) => (at: number) => id.compare(ids, idBytes * at, idBytes * (at + 1)) === 0;
  const find = (id: Buffer) => table.find(id, isAt(id));

  function add(id: Buffer, digest: number, input: number): number {
    if (count === capacity) grow();
    id.copy(ids, idBytes * count);
    digests[count] = digest;
    inputs[count] = input;
    table.set(id, count, isAt(id));
    return count++;
  }

  function grow(): void {
    capacity *= 2;
    ids = Buffer.concat([ids, Buffer.alloc(ids.length)]);
    digests = copied(digests, new Uint32Array(capacity));
    inputs = copied(inputs, new Int32Array(capacity));
    seen = copied(seen, new Uint8Array(capacity));
  }

  for await (const row of store.scan()) add(Buffer.from(row.id, "hex"), Number.parseInt(row.digest, 16), row.input);
  return {
    /** Notes that the run has met the row, as it is. */
    see(id: string): void {
      const at = find(Buffer.from(id, "hex"));
      if (at !== undefined) seen[at] = 1;
    },
    /** Notes that the run has met the row, and how it is to be. @returns what that is to the index */
    put(id: string, row: { digest: string; input: number }): "new" | "changed" | "same" {
      const bytes = Buffer.from(id, "hex");
      const digest = Number.parseInt(row.digest, 16);
      const at = find(bytes);
      if (at === undefined) {
        const added = add(bytes, digest, row.input); // it may put a larger array in the place of `seen`
        seen[added] = 1;
        return "new";
      }
      seen[at] = 1;
      if (digests[at] === digest) return "same";
      digests[at] = digest;
      inputs[at] = row.input;
      return "changed";
    },
    /** Ids of the rows from these inputs that the run did not meet. */
    unseen(of: ReadonlySet<number>): string[] {
      const gone: string[] = [];
      for (let at = 0; at < count; at++) {
        if (seen[at] === 0 && of.has(inputs[at]!)) gone.push(ids.toString("hex", idBytes * at, idBytes * (at + 1)));
      }
      return gone;
    },
  };
}

/** Makes the id of an input's row: opaque, so that it says nothing of the path. */
export function rowId(identity: string): string {
  return createHash("sha256").update(identity).digest("hex").slice(0, 16);
}

/** Reads the rows with these ids, without their vectors. */
export async function rowsOf(store: VectorStore, ids: readonly string[]): Promise<OwnFields[]> {
  const wanted = new Set(ids);
  return wanted.size === 0 ? [] : rowsWhere(store, ({ id }) => wanted.has(id));
}

/** Reads the rows that are wanted, without their vectors. */
export async function rowsWhere(store: VectorStore, isWanted: (row: OwnFields) => boolean): Promise<OwnFields[]> {
  const found: OwnFields[] = [];
  for await (const row of store.scan()) if (isWanted(row)) found.push(row);
  return found;
}

function copied<T extends Uint32Array | Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
