import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { storing } from "../../storage/storing.ts";
import { carriedColumns, parquetBytes } from "../parquet.ts";
import { writeWhole } from "../write-whole.ts";
import type { Sink } from "./sink.ts";

/** Writes one file per part: key, name, carried columns, and the vectors as lists of a fixed size. */
export async function parquetSink({ directory, tower }: { directory: string; tower: "image" | "text" }): Promise<Sink> {
  await storing(() => mkdir(directory, { recursive: true }));
  const file = (part: number) => join(directory, `part_${part}.parquet`);
  return {
    async write({ number, rows, vectors, dimensions }) {
      const name = { name: tower === "image" ? "image_path" : "caption", values: rows.map((row) => row.name) };
      const own = [{ name: "key", values: rows.map((row) => row.key) }, name];
      const carried = carriedColumns(rows).filter((column) => !["key", name.name, "embedding"].includes(column.name));
      const embedding = { name: "embedding", vectors, dimensions };
      await writeWhole(file(number), [await parquetBytes([...own, ...carried], embedding)]);
    },
    has: (part) =>
      stat(file(part)).then(
        () => true,
        () => false,
      ),
    remove: (part) => storing(() => rm(file(part), { force: true })),
  };
}
