import { stat } from "node:fs/promises";
import { EncoderError } from "../../errors.ts";
import { bytesOf, nameOf, printable } from "../../model/path-name.ts";
import { folderFilter, isGlob, pathFilter, splitGlob, wholeFolderFilter } from "../glob.ts";
import { type FileReading, fileItem } from "../items/file-item.ts";
import type { Item } from "../items/item.ts";
import { urlItem } from "../items/url-item.ts";
import { delimitedReader } from "./delimited-records.ts";
import { isPictureName } from "./endings.ts";
import { folderSource } from "./folder.ts";
import { readJsonLines, readLines, readNulEnded } from "./line-records.ts";
import { listBytes, listSource } from "./list.ts";
import { readParquet } from "./parquet-records.ts";
import type { ListRecord } from "./records.ts";
import type { Source } from "./source.ts";
import { tarSource } from "./tar.ts";

export interface SourceOptions {
  include: readonly string[];
  exclude: readonly string[];
  follow: boolean;
  /** True if the inputs are texts. */
  text: boolean;
  column: string;
  idColumn: string;
  /** True if inputs of plain lists end with NUL and not with a line end. */
  from0: boolean;
  maxInflatedBytes: number;
  reading: FileReading;
  /** Temporary files go into this folder. */
  scratch: string;
}

/**
 * Opens what the operands of a bulk command stand for, one behind the other.
 * @throws EncoderError CONFIG_INVALID for an operand that is nothing that can be read.
 */
export async function openSources(operands: readonly string[], options: SourceOptions): Promise<Source> {
  if (operands.length === 0) throw new EncoderError("CONFIG_INVALID", "Expected an input: a folder, a file or a list.");
  const sources: Source[] = [];
  for (const operand of operands) sources.push(await openSource(operand, options));
  return joinSources(operands, sources);
}

async function openSource(operand: string, options: SourceOptions): Promise<Source> {
  if (operand === "-") return openList(operand, () => listReaders[".txt"]("-", options), options);
  const holdsTexts = isGlob(operand) || tarName.test(operand) || listEnding(operand) !== undefined;
  if (options.text && !holdsTexts) {
    throw new EncoderError("CONFIG_INVALID", `${operand}: texts come from lists and tars, and this is neither.`);
  }
  if (/^https?:\/\//i.test(operand))
    return itemSource(urlItem({ url: operand, key: operand, columns: {} }, options.reading));
  const found = await stat(bytesOf(operand)).catch(() => undefined);
  if (found?.isDirectory()) return openFolder(operand, options);
  if (found) return openFile(operand, options);
  if (isGlob(operand)) return globSource(operand, options);
  throw new EncoderError("CONFIG_INVALID", `There is no such input: ${operand}`);
}

/** Pictures below a folder. An archive is no input unless it is named: nobody means the backup beside his photographs. */
function openFolder(folder: string, options: SourceOptions): Source {
  const isIncluded = options.include.length > 0 ? pathFilter(options.include) : isPictureName;
  const isExcluded = pathFilter(options.exclude);
  const isExcludedWhole = wholeFolderFilter(isExcluded);
  return folderSource({
    ...{ ...options, folder },
    isWanted: (path) => isIncluded(path) && !isExcluded(path),
    isEntered: (path) => !isExcludedWhole(path),
    isArchive: (path) => (tarName.test(path) || zipName.test(path)) && !isExcluded(path),
  });
}

/** What matches a pattern. Tars among it are read as tars; lists only where the pattern is about lists, as in `*.csv`. */
function globSource(operand: string, options: SourceOptions): Source {
  const { base, pattern } = splitGlob(operand);
  const matches = pathFilter([pattern.includes("/") ? pattern : `./${pattern}`]);
  const isExcluded = pathFilter(options.exclude);
  const mayHold = folderFilter(pattern);
  const isExcludedWhole = wholeFolderFilter(isExcluded);
  const isEntered = (path: string) => mayHold(path) && !isExcludedWhole(path);
  const isMeant = (path: string) => tarName.test(path) || (listEnding(path) ?? "") === listEnding(pattern);
  const isWanted = (path: string) =>
    matches(pattern.includes("/") ? path : `./${path}`) && !isExcluded(path) && (!options.text || isMeant(path));
  return folderSource({
    ...{ ...options, folder: base, isWanted, isEntered },
    openFile: (path) => (isMeant(path) ? openFile(path, options) : undefined),
  });
}

const tarName = /\.(tar|tar\.gz|tgz)$/i;
const zipName = /\.zip$/i;

/** Opens a file by its ending, which tells what it is for. */
function openFile(file: string, options: SourceOptions): Source {
  const ending = listEnding(file);
  if (ending) return openList(file, () => listReaders[ending](file, options), options);
  if (tarName.test(file)) return tarSource({ ...options, file, isText: options.text });
  if (zipName.test(file)) {
    const message = `${file}: zip archives are not read; unpack it, or make a tar of it.`;
    throw new EncoderError("CONFIG_INVALID", message);
  }
  return itemSource(fileItem({ path: bytesOf(file), key: nameOf(bytesOf(file)) }, options.reading));
}

const listReaders = {
  ".txt": (file: string, { from0 }: SourceOptions): AsyncIterable<ListRecord> =>
    (from0 ? readNulEnded : readLines)(listBytes(file)),
  ".csv": (file: string) => delimitedReader(",")(listBytes(file)),
  ".tsv": (file: string) => delimitedReader("\t")(listBytes(file)),
  ".jsonl": (file: string) => readJsonLines(listBytes(file)),
  ".parquet": readParquet,
};
type ListEnding = keyof typeof listReaders;

function listEnding(file: string): ListEnding | undefined {
  const endings = Object.keys(listReaders) as ListEnding[]; // an object literal has no other keys
  return endings.find((ending) => file.toLowerCase().endsWith(ending));
}

function openList(name: string, records: () => AsyncIterable<ListRecord>, options: SourceOptions): Source {
  return listSource({ ...options, name, records, isText: options.text });
}

function itemSource(item: Item): Source {
  return {
    async *items() {
      yield item;
    },
    async count(_signal, onMore) {
      onMore(1, 0);
      return true;
    },
  };
}

function joinSources(operands: readonly string[], sources: readonly Source[]): Source {
  let empty: string[] = [];
  return {
    async *items() {
      empty = [];
      for (const [operand, source] of sources.entries()) {
        let isEmpty = true;
        for await (const item of source.items()) {
          isEmpty = false;
          yield { ...item, operand };
        }
        if (isEmpty) empty.push(operands[operand]!);
      }
    },
    async count(signal, onMore) {
      let isAll = true;
      for (const source of sources) isAll = (await source.count(signal, onMore)) && isAll;
      return isAll;
    },
    remarks: () => [
      ...empty.map((operand) => `found nothing to read in ${printable(operand)}`),
      ...sources.flatMap((source) => source.remarks?.() ?? []),
    ],
  };
}
