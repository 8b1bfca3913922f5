import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type OutputFormat, openSink } from "../../../src/bulk/sinks/open-sink.ts";
import type { Part } from "../../../src/bulk/sinks/sink.ts";
import { float16Of } from "../../../src/graph/float16.ts";
import { temporaryFolder } from "../../support/checkpoints.ts";
import { outputFiles, readJsonLines, readNpy, readParquet } from "../../support/output.ts";

const vectors = Float32Array.of(0.1, -0.2, 0.3, 1, 2, 3);
const part: Part = {
  number: 4,
  dimensions: 3,
  vectors,
  rows: [
    { key: "k0", name: "photos/é.jpg", columns: { price: 1.5, color: "red", sold: true, mixed: 1 } },
    { key: "k1", name: "photos/b\n.jpg", columns: { price: null, color: "blue", mixed: "x" } },
  ],
};
const table = [
  { key: "k0", image_path: "photos/é.jpg", price: 1.5, color: "red", sold: true, mixed: "1" },
  { key: "k1", image_path: "photos/b\n.jpg", price: null, color: "blue", sold: null, mixed: "x" },
];

const open = (directory: string, format: OutputFormat["format"], tower: "image" | "text" = "image") =>
  openSink({ directory, format, tower, dtype: "float32", dimensions: 3 });

describe("a part", () => {
  it("as npy has its vectors in one file and what they belong to in another", async () => {
    const directory = await temporaryFolder();
    await (await open(directory, "npy")).write(part);
    expect(readNpy(join(directory, "img_emb/img_emb_4.npy"))).toEqual({ shape: [2, 3], values: vectors });
    expect(await readParquet(join(directory, "metadata/metadata_4.parquet"))).toEqual(table);
    expect(readFileSync(join(directory, "img_emb/img_emb_4.npy")).indexOf("\n") + 1).toBe(128);
  });

  it("as parquet has all in one file, whose vectors Arrow's readers know to be of one length", async () => {
    const directory = await temporaryFolder();
    await (await open(directory, "parquet")).write(part);
    const rows = await readParquet(join(directory, "part_4.parquet"));
    expect(rows).toEqual(table.map((row, i) => ({ ...row, embedding: [...vectors.subarray(3 * i, 3 * i + 3)] })));
    const { parquetMetadata } = await import("hyparquet");
    const { tableFromIPC } = await import("apache-arrow");
    const metadata = parquetMetadata(new Uint8Array(readFileSync(join(directory, "part_4.parquet"))).buffer);
    const schema = metadata.key_value_metadata?.find(({ key }) => key === "ARROW:schema")?.value;
    const { schema: arrow } = tableFromIPC(Buffer.from(schema!, "base64"));
    expect(String(arrow.fields.at(-1)!.type)).toBe("FixedSizeList[3]<Float32>");
  });

  it("as JSON lines has the shortest numbers that read back to the same", async () => {
    const directory = await temporaryFolder();
    await (await open(directory, "jsonl", "text")).write(part);
    const [first, second] = readJsonLines(join(directory, "part_4.jsonl"));
    expect(first).toMatchObject({ key: "k0", caption: "photos/é.jpg", price: 1.5, embedding: [0.1, -0.2, 0.3] });
    expect(second).toMatchObject({ embedding: [1, 2, 3] });
  });

  it("as Lance is a table that LanceDB opens, in which a part that is written again takes the place of the old one", async () => {
    const directory = await temporaryFolder();
    const sink = await open(directory, "lance");
    expect(await sink.has(4)).toBe(false);
    await sink.write({ ...part, number: 3 });
    await sink.write(part);
    await sink.write(part);
    await sink.remove(3);
    await sink.finish!();
    expect([await sink.has(3), await sink.has(4)]).toEqual([false, true]);
    sink.close!();
    const { connect } = await import("@lancedb/lancedb");
    const db = await connect(directory);
    const rows = await (await db.openTable("embeddings")).query().toArray();
    const found = rows.map(({ embedding, ...row }) => ({ ...row, embedding: [...embedding] }));
    const expected = table.map(({ mixed: _mixed, ...row }, i) => ({
      ...{ ...row, mixed: i === 0 ? 1 : null, part: 4 },
      embedding: [...vectors.subarray(3 * i, 3 * i + 3)],
    }));
    expect(found).toEqual(expected);
    db.close();
  });

  it.each(["npy", "parquet", "jsonl"] as const)("as %s can be written again and removed", async (format) => {
    const directory = await temporaryFolder();
    const sink = await open(directory, format);
    expect(await sink.has(4)).toBe(false);
    await sink.write(part);
    const files = outputFiles(directory);
    await sink.write(part);
    expect(outputFiles(directory)).toEqual(files);
    expect(await sink.has(4)).toBe(true);
    await sink.remove(4);
    expect(outputFiles(directory)).toEqual({});
  });
});

describe("half precision", () => {
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [0.1, 0x2e66],
    [65504, 0x7bff],
    [65520, 0x7c00],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -25, 0x0001],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NaN, 0x7e00],
  ])("of %f is %i", (value, half) => {
    expect([...float16Of(Float32Array.of(value))]).toEqual([half]);
  });
});
