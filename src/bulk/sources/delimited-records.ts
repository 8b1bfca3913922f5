import { malformed, tooLong } from "./line-records.ts";
import { type ListRecord, maxRecordBytes } from "./records.ts";

/** Reads rows of cells with a header (RFC 4180): quoted cells may hold separators, line ends and doubled quotes. */
export function delimitedReader(separator: "," | "\t") {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ListRecord> {
    let header: string[] | undefined;
    for await (const row of readRows(chunks, separator)) {
      if (row === "too long") yield { fields: {}, error: tooLong() };
      else if (row === "unended") yield { fields: {}, error: malformed("A quoted cell has no end.") };
      else if (!header) header = row.map((name) => decode(withoutMark(name).trim()));
      else if (row.length > header.length) {
        const message = `Expected ${header.length} cells in a row, as in the header, found ${row.length}.`;
        yield { fields: {}, error: malformed(message) };
      } else yield recordOf(header, row);
    }
  };
}

function recordOf(header: readonly string[], row: readonly string[]): ListRecord {
  return { fields: Object.fromEntries(header.map((name, i) => [name, row[i] === "" ? null : decode(row[i] ?? "")])) };
}

/** Takes away UTF-8's byte order mark, which may stand before the first cell, and before its quote. */
const withoutMark = (cell: string) => (cell.startsWith("\xef\xbb\xbf") ? cell.slice(3) : cell);

/** Reads rows of cells with one character per byte; empty lines are left out. */
async function* readRows(
  chunks: AsyncIterable<Uint8Array>,
  separator: string,
): AsyncGenerator<string[] | "too long" | "unended"> {
  let cells: string[] = [];
  let cell = "";
  let length = 0;
  let state: "plain" | "quoted" | "quote in quoted" = "plain";
  const endCell = () => {
    if (length <= maxRecordBytes) cells.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    const row = length > maxRecordBytes ? ("too long" as const) : cells;
    cells = [];
    length = 0;
    return row;
  };
  const isEmpty = () => cells.length === 0 && cell === "" && state === "plain";
  for await (const chunk of chunks) {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1");
    for (const character of text) {
      length++;
      if (state === "quoted") {
        if (character === '"') state = "quote in quoted";
        else if (length <= maxRecordBytes) cell += character;
      } else if (state === "quote in quoted" && character === '"') {
        cell += '"';
        state = "quoted";
      } else if (character === separator) {
        state = "plain";
        endCell();
      } else if (character === "\n") {
        const wasEmpty = isEmpty();
        state = "plain";
        const row = endRow();
        if (!wasEmpty) yield row;
      } else if (character === '"' && withoutMark(cell) === "" && state === "plain") state = "quoted";
      else if (character !== "\r" && length <= maxRecordBytes) cell += character;
    }
  }
  if (!isEmpty()) yield state === "quoted" ? "unended" : endRow();
}

function decode(cell: string): string {
  return Buffer.from(cell, "latin1").toString();
}
