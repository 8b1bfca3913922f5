import { createReadStream } from "node:fs";
import { dirname } from "node:path";
import { EncoderError } from "../../errors.ts";
import { bytesOf, nameOf, printable } from "../../model/path-name.ts";
import type { ValueKind } from "../../search/arrow-columns.ts";
import { type FileReading, failedItem, fileItem } from "../items/file-item.ts";
import type { Columns, Item } from "../items/item.ts";
import { textItem } from "../items/text-item.ts";
import { urlItem } from "../items/url-item.ts";
import { type KindRecord, looked, withColumnKinds } from "./column-kinds.ts";
import type { ListRecord } from "./records.ts";
import type { Source } from "./source.ts";

export interface ListOptions {
  /** People know it by this; "-" is standard input. */
  name: string;
  records: () => AsyncIterable<ListRecord>;
  isText: boolean;
  /** Column of the inputs; "" if it is to be found by its name. */
  column: string;
  /** Column of the keys; "" means row numbers. */
  idColumn: string;
  reading: FileReading;
}

/** Lists usually have what they list under these names, in order. */
const usualColumns = {
  image: ["image_path", "path", "file", "filename", "file_name", "url", "image_url", "image"],
  text: ["text", "caption", "title", "sentence"],
};

/** Lists paths, URLs or texts, one a row. A path is relative to the list. */
export function listSource(options: ListOptions): Source {
  const { name, records, idColumn } = options;
  const folder = name === "-" ? "." : dirname(name);
  let leftOut = new Map<string, LeftOut>();
  return {
    remarks: () => [...leftOut].map(([column, values]) => leftOutHint(column, values, name)),
    async *items() {
      let number = 0;
      let column: string | undefined;
      leftOut = new Map();
      const onLeftOut = (of: string, kind: ValueKind) => {
        if (of === column || (of === idColumn && idColumn !== "")) return; // these are taken as they are
        const before = leftOut.get(of) ?? { kind, count: 0, firstRow: number + 1 };
        leftOut.set(of, { ...before, count: before.count + 1 });
      };
      for await (const record of withColumnKinds(records(), onLeftOut)) {
        const key = String((idColumn === "" ? undefined : record.given[idColumn]) ?? number);
        number++;
        if (record.error) yield failedItem({ name: `${name}, row ${number}`, key, error: record.error });
        else {
          if (!record.line) column ??= columnOf(record.fields, options);
          yield itemOf(record, { ...options, folder, key, column: column ?? "", number });
        }
      }
    },
    async count(signal, onMore) {
      if (name === "-") return false;
      for await (const _ of records()) {
        if (signal.aborted) return false;
        onMore(1, 0);
      }
      return true;
    },
  };
}

/** Values of a column that are of another kind than the column. */
interface LeftOut {
  kind: ValueKind;
  count: number;
  firstRow: number;
}

function leftOutHint(column: string, { kind, count, firstRow }: LeftOut, list: string): string {
  const isOne = count === 1;
  const values = `${count.toLocaleString("en-US")} value${isOne ? "" : "s"} of the column ${printable(column)}`;
  const others = kind === "number" ? "numbers" : "true or false";
  const where = isOne ? `in row ${firstRow}` : `the first in row ${firstRow}`;
  return `${printable(list)}: left out ${values} (${where}), since the first ${looked} rows have ${others} there`;
}

interface RowOptions extends ListOptions {
  folder: string;
  key: string;
  number: number;
}

function itemOf({ fields, given, line }: KindRecord, options: RowOptions): Item {
  const { name, column, idColumn, key, isText, reading, folder, number } = options;
  const value = line ?? given[column];
  if (value === null || value === undefined || value === "") {
    const error = new EncoderError("INPUT_UNREADABLE", `The row has nothing in the column ${column}.`);
    return failedItem({ name: `${name}, row ${number}`, key, error });
  }
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value));
  const isCarried = (it: string) => it !== column && (it !== idColumn || idColumn === "");
  const columns: Columns = Object.fromEntries(Object.entries(fields).filter(([it]) => isCarried(it)));
  if (isText) return textItem({ text: bytes.toString(), key, columns });
  const scheme = /^([a-z][a-z0-9+.-]*):(?:\/\/|(?<=^data:))/i.exec(bytes.toString("latin1"))?.[1]?.toLowerCase();
  if (scheme === "http" || scheme === "https") return urlItem({ url: bytes.toString(), key, columns }, reading);
  if (scheme !== undefined) {
    const error = new EncoderError(
      "INPUT_REFUSED",
      `Expected a path or an http or https URL, found one with ${scheme}:.`,
    );
    return failedItem({ name: nameOf(bytes), key, error });
  }
  const isAbsolute = bytes[0] === 0x2f;
  const path = isAbsolute || folder === "." ? bytes : Buffer.concat([bytesOf(`${folder}/`), bytes]);
  return fileItem({ path, key, columns }, reading);
}

/** @throws EncoderError CONFIG_INVALID where no column can be told to be the one. */
function columnOf(fields: Columns, { column, isText, name }: ListOptions): string {
  const names = Object.keys(fields);
  const found = column === "" ? usualColumns[isText ? "text" : "image"].find((it) => names.includes(it)) : column;
  const chosen = found ?? (names.length === 1 ? names[0] : undefined);
  if (chosen !== undefined && names.includes(chosen)) return chosen;
  const problem = chosen === undefined ? "which column holds the inputs cannot be told" : `it has no column ${chosen}`;
  const message = `${name}: ${problem}; choose one of ${names.join(", ")} with --column.`;
  throw new EncoderError("CONFIG_INVALID", message);
}

/** Opens the bytes of a list, which are read anew each time. */
export function listBytes(file: string): AsyncIterable<Uint8Array> {
  return file === "-" ? process.stdin : createReadStream(bytesOf(file));
}
