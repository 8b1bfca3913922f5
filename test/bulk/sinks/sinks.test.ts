import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { float16Of } from "../../../src/bulk/sinks/float16.ts";
import { jsonlSink } from "../../../src/bulk/sinks/jsonl.ts";
import { npySink } from "../../../src/bulk/sinks/npy.ts";
import { parquetSink } from "../../../src/bulk/sinks/parquet.ts";
import type { Part } from "../../../src/bulk/sinks/sink.ts";
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

describe("a part", () => {
  it("as npy has its vectors in one file and what they belong to in another", async () => {
    const directory = await temporaryFolder();
    const sink = await npySink({ directory, tower: "image", dtype: "float32" });
    await sink.write(part);
    expect(readNpy(join(directory, "img_emb/img_emb_4.npy"))).toEqual({ shape: [2, 3], values: vectors });
    expect(await readParquet(join(directory, "metadata/metadata_4.parquet"))).toEqual(table);
    expect(readFileSync(join(directory, "img_emb/img_emb_4.npy")).indexOf("\n") + 1).toBe(128);
  });

  it("as parquet has all in one file, whose vectors Arrow's readers know to be of one length", async () => {
    const directory = await temporaryFolder();
    await (await parquetSink({ directory, tower: "image" })).write(part);
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
    await (await jsonlSink({ directory, tower: "text" })).write(part);
    const [first, second] = readJsonLines(join(directory, "part_4.jsonl"));
    expect(first).toMatchObject({ key: "k0", caption: "photos/é.jpg", price: 1.5, embedding: [0.1, -0.2, 0.3] });
    expect(second).toMatchObject({ embedding: [1, 2, 3] });
  });

  it.each(["npy", "parquet", "jsonl"] as const)("as %s can be written again and removed", async (format) => {
    const directory = await temporaryFolder();
    const open = { npy: npySink, parquet: parquetSink, jsonl: jsonlSink }[format];
    const sink = await open({ directory, tower: "image", dtype: "float32" });
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
