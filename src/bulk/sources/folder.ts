import type { Dirent, Stats } from "node:fs";
import { lstat, opendir, stat } from "node:fs/promises";
import { toEncoderError } from "../../errors.ts";
import { bytesOf, nameOf, printable, textOf } from "../../model/path-name.ts";
import type { PathFilter } from "../glob.ts";
import { type FileReading, failedItem, fileItem, orExplain } from "../items/file-item.ts";
import { sortedNames } from "../sorted-names.ts";
import type { Source } from "./source.ts";

export interface FolderOptions {
  folder: string;
  /** Tells whether links to files and folders are followed; otherwise they are left out. */
  follow: boolean;
  /** Judges the path below the folder. */
  isWanted: PathFilter;
  /** Judges folders by their paths below the folder: others are not looked into, and may be unreadable. */
  isEntered?: PathFilter;
  reading: FileReading;
  scratch: string;
  /** Tells whether a file that is not wanted should be told of, by its path. */
  isArchive?(path: string): boolean;
  /** Opens a file that holds inputs, such as a tar, by its path; undefined where the file itself is the input. */
  openFile?(path: string): Source | undefined;
}

/** Folders of programs and systems, in which nobody keeps pictures; those of an index hold thumbnails. */
const skippedNames = new Set([
  ...["@eaDir", "node_modules", "Thumbs.db", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found"],
]);

const isIndexName = (name: Buffer) => name.subarray(-6).toString() === ".lance";

const slash = Buffer.from("/");

/** Lists the pictures of a folder and of those in it, by the bytes of their paths below it. */
export function folderSource(options: FolderOptions): Source {
  const root = bytesOf(options.folder === "/" ? "" : options.folder.replace(/\/+$/, ""));
  const pathOf = (below: Buffer) => (below.length === 0 ? root : Buffer.concat([root, slash, below]));
  const opened = ({ below, error }: Found) => (error ? undefined : options.openFile?.(textOf(pathOf(below))));
  let archives: Archives = { count: 0 };
  let innerRemarks: string[] = [];
  const isWanted: PathFilter = (below) => {
    if (options.isWanted(below)) return true;
    if (options.isArchive?.(below)) {
      const path = pathOf(Buffer.from(below)).toString();
      archives = { first: path, ...archives, count: archives.count + 1 };
    }
    return false;
  };
  return {
    remarks: () => [...archivesHint(archives), ...innerRemarks],
    async *items() {
      archives = { count: 0 };
      innerRemarks = [];
      for await (const found of walk({ ...options, isWanted, pathOf, sort: true })) {
        const key = nameOf(found.below);
        const path = pathOf(found.below);
        const inner = opened(found);
        if (inner) {
          yield* inner.items();
          innerRemarks.push(...(inner.remarks?.() ?? []));
        } else if (found.error) yield failedItem({ name: nameOf(path), key, error: found.error });
        else yield fileItem({ path, key }, options.reading);
      }
    },
    async count(signal, onMore) {
      let isAll = true;
      for await (const found of walk({ ...options, pathOf, sort: false })) {
        if (signal.aborted) return false;
        const inner = opened(found);
        if (inner) {
          isAll = (await inner.count(signal, onMore)) && isAll;
          continue;
        }
        const size = found.error ? 0 : await stat(pathOf(found.below)).then(sizeOf, () => 0);
        onMore(1, size);
      }
      return isAll;
    },
  };
}

interface Archives {
  count: number;
  /** Path of the first one. */
  first?: string;
}

/** Archives are read only where they are named. */
function archivesHint({ count, first }: Archives): string[] {
  if (first === undefined) return [];
  const more = count > 1 ? ` and ${(count - 1).toLocaleString("en-US")} other${count > 2 ? "s" : ""}` : "";
  return [`passed over the archive ${printable(first)}${more}: a tar is read where it is named, as in "shards/*.tar"`];
}

const sizeOf = ({ size }: Stats) => size;

interface Walk extends Pick<FolderOptions, "follow" | "isWanted" | "isEntered" | "scratch"> {
  pathOf: (below: Buffer) => Buffer;
  sort: boolean;
}

interface Found {
  below: Buffer;
  error?: ReturnType<typeof toEncoderError>;
}

async function* walk(options: Walk, below: Buffer = Buffer.alloc(0), above: string[] = []): AsyncGenerator<Found> {
  const { pathOf, isWanted, isEntered, follow, scratch, sort } = options;
  const here = above.concat(follow ? await placeOf(pathOf(below)) : []);
  const names = namesIn(pathOf(below), follow);
  try {
    // A folder's name is sorted with its slash, as it stands in the paths of what it holds.
    for await (const name of sort ? sortedNames(names, { scratch }) : names) {
      const isFolder = name.at(-1) === slash[0];
      const bare = isFolder ? name.subarray(0, -1) : name;
      const path = below.length === 0 ? bare : Buffer.concat([below, slash, bare]);
      if (!isFolder) {
        if (isWanted(path.toString())) yield { below: path };
      } else if (isEntered?.(path.toString()) === false) continue;
      else if (!follow || !here.includes(await placeOf(pathOf(path)))) yield* walk(options, path, here);
    }
  } catch (error) {
    yield { below, error: toEncoderError(error) };
  }
}

/** Lists the names in a folder; those of folders end with a slash. */
async function* namesIn(folder: Buffer, follow: boolean): AsyncGenerator<Buffer> {
  const directory = await orExplain(() => opendir(folder, { encoding: "buffer" as BufferEncoding }));
  for await (const entry of directory) {
    const name = entry.name as unknown as Buffer; // Node's types do not know of the encoding "buffer" here
    if (name[0] === 0x2e || skippedNames.has(name.toString()) || isIndexName(name)) continue;
    const kind = await kindOf(entry, Buffer.concat([folder, slash, name]), follow);
    if (kind === "folder") yield Buffer.concat([name, slash]);
    else if (kind === "file") yield name;
  }
}

/** Pipes and devices are left out as if they were not there. */
async function kindOf(entry: Dirent, path: Buffer, follow: boolean): Promise<"file" | "folder" | undefined> {
  const isKnown = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink();
  const found = isKnown ? entry : await lstat(path).catch(() => entry); // some file systems do not tell kinds
  const target = found.isSymbolicLink() && follow ? await stat(path).catch(() => undefined) : found;
  if (target === undefined) return "file"; // a link that leads nowhere: reading it says so
  if (target.isDirectory()) return "folder";
  return target.isFile() ? "file" : undefined;
}

/** Tells a folder from every other one, whatever links lead to it. */
async function placeOf(folder: Buffer): Promise<string> {
  const { dev, ino } = await stat(folder, { bigint: true });
  return `${dev}:${ino}`;
}
