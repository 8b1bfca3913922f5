import type { OwnFields, VectorStore } from "./vector-store.ts";

/** Describes one of a group of near-identical pictures, which are all compared with the first. */
export interface Duplicate {
  row: OwnFields;
  /** Cosine with the group's first. */
  score: number;
  /** Tells whether its bytes are those of the group's first. */
  sameBytes: boolean;
}

export interface DuplicateOptions {
  /** Neighbours in a group have at least this cosine. */
  min: number;
  signal: AbortSignal;
  onProgress?(done: number): void;
}

/** Limits the neighbours looked at; if a picture has more near-identical ones, some are found from the others. */
const neighbours = 32;
/** Where all of them are its own copies, so many are looked at. */
const mostNeighbours = 32_768;
const lanes = 8;

/** Finds groups of near-identical pictures, the largest first; pictures with the same bytes are compared once. */
export async function findDuplicates(store: VectorStore, options: DuplicateOptions): Promise<Duplicate[][]> {
  const { min, signal, onProgress } = options;
  const rows = new Map<string, OwnFields>();
  const firstOf = new Map<string, string>();
  const parents = new Map<string, string>();
  const rootOf = (id: string): string => {
    let root = id;
    while (parents.has(root)) root = parents.get(root)!;
    if (root !== id) parents.set(id, root);
    return root;
  };
  const join = (a: string, b: string) => {
    const [first, second] = [rootOf(a), rootOf(b)].sort();
    if (first !== second) parents.set(second!, first!);
  };
  for await (const row of store.scan()) {
    rows.set(row.id, row);
    const first = firstOf.get(row.hash);
    if (first === undefined) firstOf.set(row.hash, row.id);
    else join(first, row.id);
  }
  const distinct = new Set(firstOf.values());
  let done = 0;
  const compare = async ({ id, vector }: { id: string; vector: Float32Array }) => {
    for (let limit = neighbours, isKnown = true; isKnown && limit <= mostNeighbours; limit *= 4) {
      const near = (await store.nearest({ vector, limit, offset: 0 })).filter(({ score }) => score >= min);
      isKnown = near.length === limit && near.every((found) => rootOf(found.id) === rootOf(id));
      for (const found of near) join(id, found.id);
    }
    onProgress?.(++done);
  };
  const running = new Set<Promise<void>>();
  for await (const picture of store.vectors()) {
    signal.throwIfAborted();
    if (!distinct.has(picture.id)) continue;
    const one: Promise<void> = compare(picture).finally(() => running.delete(one));
    running.add(one);
    if (running.size >= lanes) await Promise.race(running);
  }
  await Promise.all(running);

  const groups = new Map<string, OwnFields[]>();
  for (const [id, row] of rows) {
    const root = rootOf(id);
    if (root !== id && !groups.has(root)) groups.set(root, [rows.get(root)!]);
    if (root !== id) groups.get(root)!.push(row);
  }
  const sorted = [...groups.values()].sort((a, b) => b.length - a.length);
  return Promise.all(sorted.map((group) => comparedWithFirst(group, store)));
}

async function comparedWithFirst(group: readonly OwnFields[], store: VectorStore): Promise<Duplicate[]> {
  const rows = group.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const vectors = new Map<string, Float32Array>();
  for await (const { id, vector } of store.vectors(rows.map(({ id }) => id))) vectors.set(id, vector);
  const first = rows[0]!;
  const reference = vectors.get(first.id)!;
  return rows.map((row) => ({
    row,
    score: vectors.get(row.id)!.reduce((sum, value, i) => sum + value * reference[i]!, 0),
    sameBytes: row.hash === first.hash,
  }));
}
