import { stat } from "node:fs/promises";
import { EncoderError } from "../../errors.ts";
import { type FileReading, fileItem } from "../file-item.ts";
import { isGlob, pathFilter, splitGlob } from "../glob.ts";
import { folderSource } from "./folder.ts";
import type { Source } from "./source.ts";

export interface SourceOptions {
  include: readonly string[];
  exclude: readonly string[];
  follow: boolean;
  reading: FileReading;
  /** A folder for temporary files. */
  scratch: string;
}

/** Endings of files that somebody means as pictures, also those that are refused with a sentence. */
const endings =
  /\.(jpe?g|jpe|jfif|png|webp|gif|avif|tiff?|bmp|hei[cf]|jxl|svg|dng|cr[23]|nef|arw|orf|rw2|raf|pef|srw)$/i;

/**
 * What the operands of a bulk command stand for, one behind the other.
 * @throws EncoderError CONFIG_INVALID for an operand that is nothing that can be read.
 */
export async function openSources(operands: readonly string[], options: SourceOptions): Promise<Source> {
  if (operands.length === 0) throw new EncoderError("CONFIG_INVALID", "Expected an input: a folder, a file or a list.");
  const sources: Source[] = [];
  for (const operand of operands) sources.push(await openSource(operand, options));
  return joinSources(sources);
}

async function openSource(operand: string, options: SourceOptions): Promise<Source> {
  const found = await stat(operand).catch(() => undefined);
  if (found?.isDirectory()) return folderSource({ ...options, folder: operand, isWanted: wanted(options) });
  if (found) return singleSource(operand, options);
  if (isGlob(operand)) {
    const { base, pattern } = splitGlob(operand);
    const matches = pathFilter([pattern.includes("/") ? pattern : `./${pattern}`]);
    const isExcluded = pathFilter(options.exclude);
    const isWanted = (path: string) => matches(pattern.includes("/") ? path : `./${path}`) && !isExcluded(path);
    return folderSource({ ...options, folder: base, isWanted });
  }
  throw new EncoderError("CONFIG_INVALID", `There is no such input: ${operand}`);
}

function singleSource(file: string, { reading }: SourceOptions): Source {
  return {
    async *items() {
      yield fileItem({ path: Buffer.from(file), key: file }, reading);
    },
    async count(_signal, onMore) {
      onMore(1, await stat(file).then(({ size }) => size));
      return true;
    },
  };
}

function wanted({ include, exclude }: SourceOptions): (path: string) => boolean {
  const isIncluded = include.length > 0 ? pathFilter(include) : (path: string) => endings.test(path);
  const isExcluded = pathFilter(exclude);
  return (path) => isIncluded(path) && !isExcluded(path);
}

function joinSources(sources: readonly Source[]): Source {
  return {
    async *items() {
      for (const source of sources) yield* source.items();
    },
    async count(signal, onMore) {
      let isAll = true;
      for (const source of sources) isAll = (await source.count(signal, onMore)) && isAll;
      return isAll;
    },
  };
}
