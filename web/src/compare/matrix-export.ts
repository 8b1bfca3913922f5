import type { Picture } from "../collections/picture.ts";
import { quoteCsv } from "../results/export.ts";
import type { Matrix } from "./matrix.ts";

/** Writes a line for each sentence, a column for each picture. */
export function asCsv(sentences: string[], pictures: Picture[], matrix: Matrix): string {
  const head = ["sentence", ...pictures.map(({ name }) => quoteCsv(name))].join(",");
  const rows = sentences.map((sentence, row) => {
    const cells = pictures.map((_, column) => matrix[row]?.[column]?.toFixed(6) ?? "");
    return [quoteCsv(sentence), ...cells].join(",");
  });
  return `${[head, ...rows].join("\r\n")}\r\n`;
}

/** Writes the cosines for programs: a row for each sentence, null where one has none. */
export function asJson(sentences: string[], pictures: Picture[], matrix: Matrix): string {
  const cosines = sentences.map((_, row) => pictures.map((_, column) => matrix[row]?.[column] ?? null));
  return `${JSON.stringify({ sentences, pictures: pictures.map(({ name }) => name), cosines }, null, 2)}\n`;
}
