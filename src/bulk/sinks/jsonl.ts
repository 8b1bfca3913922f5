import { vectorJson } from "../../encoder/vector-json.ts";
import { nameColumn, type Part, type PartFormat, type Tower } from "./sink.ts";

/** Writes one file per part and one JSON object a line: carried columns, key, name, embedding. */
export function jsonlFormat(tower: Tower): PartFormat {
  return {
    paths: (part) => [`part_${part}.jsonl`],
    encode: (part) => [lines(part, nameColumn(tower))],
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
