import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { mapAhead } from "../scheduling/map-ahead.ts";

export interface PageFile {
  /** Text is kept compressed, as nearly everybody takes it; `plainBytes` gives it as it was. */
  stored: Buffer;
  isGzipped: boolean;
  contentType: string;
  etag: string;
  /** The name carries a hash of the content, so that the file never changes. */
  isForEver: boolean;
}

export type PageFiles = ReadonlyMap<string, PageFile>;

const contentTypes: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".webp": "image/webp",
  ".bin": "application/octet-stream",
};

/** Where descriptors are few, hundreds of open files would leave none for anything else. */
const filesAtOnce = 8;

/** Pictures are compressed already. */
const packable = [".html", ".js", ".css", ".json", ".svg", ".bin"];

/** The bundler and the gallery's maker give such names: `index-BtM6bGI9.js`, `red-apple-3d-13ec4ec4.webp`. */
const hashedName = /-[\w-]{8}\.\w+$/;

/**
 * Reads all files of the page, 4 MB as they are kept, which are then served from memory: a path in a request is looked up in this
 * map and never reaches the file system. Gives undefined where the page was not built.
 */
export async function readPageFiles(folder: string): Promise<PageFiles | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (!entries) return undefined;
  const files = entries.filter((entry) => entry.isFile());
  const read = await mapAhead(files, filesAtOnce, async ({ parentPath, name }): Promise<[string, PageFile]> => {
    const path = join(parentPath, name);
    return [path.slice(folder.length + 1).replaceAll("\\", "/"), await readPageFile(path)];
  });
  return new Map(read);
}

async function readPageFile(path: string): Promise<PageFile> {
  const bytes = await readFile(path);
  const extension = extname(path);
  const isGzipped = packable.includes(extension);
  return {
    stored: isGzipped ? await promisify(gzip)(bytes, { level: 9 }) : bytes,
    isGzipped,
    contentType: contentTypes[extension] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
    isForEver: hashedName.test(path),
  };
}

/** Gives a file's bytes as they are on disk, for whoever takes no gzip. */
export async function plainBytes({ stored, isGzipped }: PageFile): Promise<Buffer> {
  return isGzipped ? promisify(gunzip)(stored) : stored;
}
