import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { vectorJson } from "../../encoder/vector-json.ts";
import { storing } from "../../storage/storing.ts";
import { writeWhole } from "../write-whole.ts";
import type { Part, Sink } from "./sink.ts";

/** Writes one file per part and one JSON object a line: key, name, carried columns, embedding. */
export async function jsonlSink({ directory, tower }: { directory: string; tower: "image" | "text" }): Promise<Sink> {
  await storing(() => mkdir(directory, { recursive: true }));
  const file = (part: number) => join(directory, `part_${part}.jsonl`);
  return {
    write: (part) => writeWhole(file(part.number), lines(part, tower === "image" ? "image_path" : "caption")),
    has: (part) =>
      stat(file(part)).then(
        () => true,
        () => false,
      ),
    remove: (part) => storing(() => rm(file(part), { force: true })),
  };
}

function* lines({ rows, vectors, dimensions }: Part, nameColumn: string): Generator<Uint8Array> {
  for (const [i, { key, name, columns }] of rows.entries()) {
    const { embedding: _embedding, ...carried } = columns;
    const facts = JSON.stringify({ ...carried, key, [nameColumn]: name });
    const vector = vectorJson(vectors.subarray(i * dimensions, (i + 1) * dimensions));
    yield Buffer.from(`${facts.slice(0, -1)},"embedding":${vector}}\n`);
  }
}
