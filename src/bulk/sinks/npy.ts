import { float16Of } from "../../graph/float16.ts";
import { openParquetWriter, partColumns } from "../parquet.ts";
import type { PartFormat, Tower } from "./sink.ts";

export interface NpyOptions {
  /** The folder of vectors is named for it: img_emb or text_emb. */
  tower: Tower;
  dtype: "float32" | "float16";
}

/**
 * Writes the layout of clip-retrieval, which autofaiss reads as well: vectors in img_emb/img_emb_0.npy, and what they
 * belong to in the rows of metadata/metadata_0.parquet.
 */
export async function npyFormat({ tower, dtype }: NpyOptions): Promise<PartFormat> {
  const parquetBytes = await openParquetWriter();
  const kind = tower === "image" ? "img_emb" : "text_emb";
  return {
    // In this order, whoever finds the vectors of a part finds what they belong to.
    paths: (part) => [`metadata/metadata_${part}.parquet`, `${kind}/${kind}_${part}.npy`],
    encode: (part) => [[parquetBytes(partColumns(part, tower))], npyBytes(part.vectors, part.dimensions, dtype)],
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
