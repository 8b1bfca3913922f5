import { openLanceTable, writingTable } from "../../search/lance.ts";
import { nameColumn, type Sink, type Tower } from "./sink.ts";

/** A table that LanceDB opens: key, name, carried columns, number of the part, and the vectors. */
export async function lanceSink({ directory, tower, dimensions }: LanceOptions): Promise<Sink> {
  const own = { key: "text", [nameColumn(tower)]: "text", part: "integer" } as const;
  const shape = { name: "embeddings", own, vector: { name: "embedding", dimensions } };
  const { table, prepare, close } = await openLanceTable(directory, shape);
  return {
    async write({ number, rows, vectors }) {
      const prepared = await prepare(
        rows.map(({ key, name, columns }, i) => ({
          own: { key, [nameColumn(tower)]: name, part: number },
          columns,
          vector: vectors.subarray(i * dimensions, (i + 1) * dimensions),
        })),
      );
      // A kill between the two leaves the part without its mark, so that the next run writes it again.
      await writingTable(() => table.delete(`part = ${number}`));
      await writingTable(() => table.add(prepared));
    },
    has: async (part) => (await table.countRows(`part = ${part}`)) > 0,
    async remove(part) {
      await writingTable(() => table.delete(`part = ${part}`));
    },
    async finish() {
      await writingTable(() => table.optimize({ cleanupOlderThan: new Date() }));
    },
    close,
  };
}

export interface LanceOptions {
  /** Absolute path. */
  directory: string;
  tower: Tower;
  dimensions: number;
}
