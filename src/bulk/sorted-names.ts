import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { splitBytes } from "./bytes.ts";

export interface SortOptions {
  /** The runs of a long list go into this folder. */
  scratch: string;
  /** Limits the names sorted in memory at once: 65,536 take some 20 MB. */
  inMemory?: number;
}

/** No file system has longer names. */
const maxNameBytes = 4096;

/**
 * Sorts file names by their bytes. Folders with very many files are sorted in runs on disk, which are then merged, so
 * that memory does not grow with the folder.
 * @param names of which none holds a zero byte
 */
export async function* sortedNames(
  names: AsyncIterable<Buffer>,
  { scratch, inMemory = 65_536 }: SortOptions,
): AsyncGenerator<Buffer> {
  let run: Buffer[] = [];
  let folder: string | undefined;
  const files: string[] = [];
  try {
    for await (const name of names) {
      if (run.length === inMemory) {
        folder ??= await mkdtemp(join(scratch, "sorting-"));
        files.push(await writeRun(join(folder, String(files.length)), run));
        run = [];
      }
      run.push(name);
    }
    run.sort(Buffer.compare);
    if (files.length === 0) yield* run;
    else yield* merge([...files.map(readRun), Readable.from(run)]);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function writeRun(file: string, names: Buffer[]): Promise<string> {
  names.sort(Buffer.compare);
  const lines = function* () {
    for (const name of names) yield Buffer.concat([name, Buffer.of(0)]);
  };
  await pipeline(Readable.from(lines()), createWriteStream(file));
  return file;
}

async function* readRun(file: string): AsyncGenerator<Buffer> {
  for await (const { bytes } of splitBytes(createReadStream(file), { separator: 0, maxLength: maxNameBytes })) {
    yield bytes;
  }
}

/** Merges the names of several sorted runs into one order. */
async function* merge(runs: AsyncIterable<Buffer>[]): AsyncGenerator<Buffer> {
  const cursors = await Promise.all(
    runs.map(async (run) => {
      const names = run[Symbol.asyncIterator]();
      return { names, head: await names.next() };
    }),
  );
  for (;;) {
    let first: (typeof cursors)[number] | undefined;
    for (const cursor of cursors) {
      if (cursor.head.done) continue;
      if (!first || Buffer.compare(cursor.head.value, first.head.value) < 0) first = cursor;
    }
    if (!first) return;
    yield first.head.value;
    first.head = await first.names.next();
  }
}
