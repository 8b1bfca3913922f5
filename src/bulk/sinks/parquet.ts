import { openParquetWriter, partColumns } from "../parquet.ts";
import type { PartFormat, Tower } from "./sink.ts";

/** Writes one file per part: key, name, carried columns, and the vectors as lists of a fixed size. */
export async function parquetFormat(tower: Tower): Promise<PartFormat> {
  const parquetBytes = await openParquetWriter({ withVectors: true });
  return {
    paths: (part) => [`part_${part}.parquet`],
    encode(part) {
      const { vectors, dimensions } = part;
      const columns = partColumns(part, tower).filter(({ name }) => name !== "embedding");
      return [[parquetBytes(columns, { name: "embedding", vectors, dimensions })]];
    },
  };
}
