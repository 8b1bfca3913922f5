import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { filterSql } from "../../src/search/filter.ts";
import { openVectorStore, type StoredRow } from "../../src/search/vector-store.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

async function open(directory: string, dimensions = 8) {
  const store = await openVectorStore(directory, dimensions);
  onTestFinished(() => store.close());
  return store;
}

function rowOf(id: string, [x, y]: [number, number], columns: StoredRow["columns"] = {}): StoredRow {
  const facts = { digest: "00000000", input: 0, root: 0, path: `${id}.jpg`, version: "1:2", hash: "h" };
  return { id, ...facts, columns, vector: Float32Array.of(x, y, 0, 0, 0, 0, 0, 0) };
}

const question = { vector: Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0), limit: 10, offset: 0 };

describe("a store of vectors", () => {
  it.each([
    ["price.usd", "price_usd"],
    ["a`b", "a_b"],
    ["", "unnamed"],
    ["select", "select"],
    ["x'; DROP TABLE pictures", "x'; DROP TABLE pictures"],
    ["é 🚲\n", "é 🚲\n"],
  ])("takes a column that an input calls %j, and filters by it", async (name, stored) => {
    const store = await open(await temporaryFolder());
    await store.add([rowOf("a", [1, 0], { [name]: "it's" })]);
    await store.add([rowOf("b", [0, 1], { [name]: "other", more: 1 })]);
    const where = filterSql({ [stored]: "it's" }, await store.columns());
    const found = await store.nearest({ ...question, where });
    expect(found.map(({ id, columns }) => ({ id, columns }))).toEqual([
      { id: "a", columns: { [stored]: "it's", more: null } },
    ]);
  });

  it.each(["_id", "_distance", "_rowid", "vector"])("keeps a column %s of an input out of its own", async (name) => {
    const store = await open(await temporaryFolder());
    await store.add([rowOf("a", [1, 0], { [name]: "x" })]);
    expect(await store.nearest(question)).toMatchObject([{ id: "a", score: 1, columns: {} }]);
  });

  it("keeps what fits a column when its list comes to hold other things, and takes booleans that are all missing", async () => {
    const store = await open(await temporaryFolder());
    await store.add([rowOf("a", [1, 0], { price: 10, sold: true }), rowOf("b", [0, 1], { price: 12, sold: false })]);
    await store.replace([rowOf("a", [1, 0], { price: "10", sold: "true" }), rowOf("b", [0, 1], { price: "n/a" })]);
    await store.replace([rowOf("b", [0, 1], { sold: 5 })]);
    await store.add([rowOf("c", [-1, 0])]);
    expect((await store.nearest(question)).map(({ columns }) => columns)).toEqual([
      { price: 10, sold: true },
      { price: null, sold: null },
      { price: null, sold: null },
    ]);
  });

  it("shows a reader what another writes meanwhile", async () => {
    const directory = await temporaryFolder();
    const [writer, reader] = [await open(directory), await open(directory)];
    expect(await reader.nearest(question)).toEqual([]);
    await writer.add([rowOf("a", [0, 1]), rowOf("b", [1, 0])]);
    expect((await reader.nearest(question)).map(({ id }) => id)).toEqual(["b", "a"]);
    await writer.replace([rowOf("b", [-1, 0], { color: "red" })]);
    await writer.remove(["a"]);
    expect(await reader.nearest(question)).toMatchObject([{ id: "b", score: -1, columns: { color: "red" } }]);
    expect([await reader.count(), await reader.columns()]).toEqual([1, { color: "string" }]);
  });

  it("finds what a filter leaves, also where its approximate index would look elsewhere", async () => {
    const store = await open(await temporaryFolder());
    const angle = (i: number): [number, number] => [Math.cos(i), Math.sin(i)];
    await store.add(Array.from({ length: 400 }, (_, i) => rowOf(String(i), angle(i), { even: i % 200 === 0 })));
    await store.buildIndex();
    const where = filterSql({ even: true }, await store.columns());
    expect((await store.nearest({ ...question, where })).map(({ id }) => id).sort()).toEqual(["0", "200"]);
    expect(await store.hasIndex()).toBe(true);
  });

  // LanceDB bounds the number of lists that it looks into; that of very many rows is beyond its usual bound.
  it("finds the nearest of very many rows, with an approximate index and without", async () => {
    const store = await open(await temporaryFolder());
    // Its neighbour is far enough that float32 tells them apart.
    const radians = (i: number) => (i === 0 ? 0 : 0.01 + i / 2000);
    const angle = (i: number): [number, number] => [Math.cos(radians(i)), Math.sin(radians(i))];
    await store.add(Array.from({ length: 12_000 }, (_, i) => rowOf(String(i), angle(i))));
    const nearest = async () => (await store.nearest({ ...question, limit: 1 })).map(({ id }) => id);
    expect(await nearest()).toEqual(["0"]);
    await store.buildIndex();
    expect(await nearest()).toEqual(["0"]);
  });

  it.each([
    [1, 8],
    [3, 32],
    [300, 12],
  ])("has an approximate index of %i vectors of %i numbers, too", async (rows, dimensions) => {
    const store = await open(await temporaryFolder(), dimensions);
    const vectorOf = (i: number) => Float32Array.from({ length: dimensions }, (_, j) => Math.sin(i * 7 + j));
    const all = Array.from({ length: rows }, (_, i) => ({ ...rowOf(String(i), [1, 0]), vector: vectorOf(i) }));
    await store.add(all);
    await store.buildIndex();
    expect(await store.nearest({ ...question, vector: vectorOf(0), limit: 1 })).toMatchObject([{ id: "0" }]);
  });

  it.each([
    ["it is made", 0],
    ["rows are added to it", 400],
  ])("says so when the disk is full while %s", async (_when, blocks) => {
    const directory = await temporaryFolder();
    const program = `
      import { openVectorStore } from ${JSON.stringify(join(import.meta.dirname, "../../src/search/vector-store.ts"))};
      const opening = openVectorStore(${JSON.stringify(directory)}, 4096);
      const rows = Array.from({ length: 100 }, (_, i) => ({ id: String(i), digest: "", input: 0, root: 0, path: "",
        version: "", hash: "", columns: {}, vector: new Float32Array(4096).map(Math.random) }));
      await opening
        .then((store) => store.add(rows))
        .catch((error) => console.log(error.code, error.message));`;
    const args = [
      "-c",
      `ulimit -f ${blocks}; exec "$@"`,
      "sh",
      process.execPath,
      "--import",
      "tsx",
      "--input-type=module",
      "-e",
    ];
    const { stdout } = spawnSync("sh", [...args, program], { encoding: "utf8" });
    expect(stdout).toMatch(/^STORAGE_FAILED The result could not be stored: a file would be larger/);
  });
});
