import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { storing } from "../../storage/storing.ts";
import { carriedColumns, parquetBytes } from "../parquet.ts";
import { writeWhole } from "../write-whole.ts";
import { float16Of } from "./float16.ts";
import type { Sink } from "./sink.ts";

export interface NpyOptions {
  directory: string;
  /** The folder of vectors is named for it: img_emb or text_emb. */
  tower: "image" | "text";
  dtype: "float32" | "float16";
}

/**
 * Writes the layout of clip-retrieval, which autofaiss reads as well: vectors in img_emb/img_emb_0.npy, and what they
 * belong to in the rows of metadata/metadata_0.parquet.
 */
export async function npySink({ directory, tower, dtype }: NpyOptions): Promise<Sink> {
  const kind = tower === "image" ? "img_emb" : "text_emb";
  const vectorFile = (part: number) => join(directory, kind, `${kind}_${part}.npy`);
  const metadataFile = (part: number) => join(directory, "metadata", `metadata_${part}.parquet`);
  for (const folder of [kind, "metadata"]) {
    await storing(() => mkdir(join(directory, folder), { recursive: true }));
  }
  return {
    async write({ number, rows, vectors, dimensions }) {
      const name = { name: tower === "image" ? "image_path" : "caption", values: rows.map((row) => row.name) };
      const key = { name: "key", values: rows.map((row) => row.key) };
      const carried = carriedColumns(rows).filter((column) => column.name !== name.name && column.name !== "key");
      // In this order: whoever finds the vectors of a part finds what they belong to.
      await writeWhole(metadataFile(number), [await parquetBytes([name, key, ...carried])]);
      await writeWhole(vectorFile(number), npyBytes(vectors, dimensions, dtype));
    },
    async has(part) {
      const found = await Promise.all(
        [vectorFile(part), metadataFile(part)].map((file) => stat(file).catch(() => null)),
      );
      return found.every((file) => file !== null);
    },
    async remove(part) {
      await storing(() => rm(vectorFile(part), { force: true }));
      await storing(() => rm(metadataFile(part), { force: true }));
    },
  };
}

/** Writes version 1.0 of https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. */
function npyBytes(vectors: Float32Array, dimensions: number, dtype: "float32" | "float16"): Uint8Array[] {
  const descr = dtype === "float32" ? "<f4" : "<f2";
  const shape = `(${vectors.length / dimensions}, ${dimensions})`;
  const description = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const magic = Buffer.from("\x93NUMPY\x01\x00", "latin1");
  const unpadded = magic.length + 2 + description.length + 1;
  const text = `${description}${" ".repeat((64 - (unpadded % 64)) % 64)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(text.length);
  const numbers = dtype === "float32" ? vectors : float16Of(vectors);
  const data = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return [Buffer.concat([magic, length, Buffer.from(text, "latin1")]), data];
}
