import type { Picture } from "../collections/picture.ts";
import type { Ranked } from "../vectors/ranking.ts";

/** Writes the results as a table for spreadsheets: rank, name and score. */
export function asCsv(results: readonly Ranked<Picture>[]): string {
  const rows = results.map(({ picture, score }, index) =>
    [index + 1, quoteCsv(picture.name), score.toFixed(6)].join(","),
  );
  return `${["rank,name,score", ...rows].join("\r\n")}\r\n`;
}

/** Writes the results for programs, in the shape of POST /search. */
export function asJson(results: readonly Ranked<Picture>[]): string {
  const rows = results.map(({ picture, score }) => ({ id: picture.id, score, path: picture.name }));
  return `${JSON.stringify({ success: true, results: rows }, null, 2)}\n`;
}

/** Spreadsheets take a cell that begins with one of these for a formula; an apostrophe makes it text. */
const formulaStart = /^[=+\-@\t\r]/;

export function quoteCsv(text: string): string {
  const safe = formulaStart.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

export function download(fileName: string, content: string, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // the browser has begun to read by then
}
