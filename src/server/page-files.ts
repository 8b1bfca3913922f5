import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";

/** Knows a file of the page, which is on the disk. */
export interface PageFile {
  path: string;
  /** Path of the same bytes as gzip, where the build left them. */
  gzipPath: string | undefined;
  contentType: string;
  /** Stands in the name, so that the file never changes. */
  hash: string | undefined;
}

/** By what requests call them, such as `assets/index-BtM6bGI9.js`. */
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

/** The bundler and the gallery's maker give such names: `index-BtM6bGI9.js`, `red-apple-3d-13ec4ec4.webp`. */
const hashedName = /-([\w-]{8})\.\w+$/;

/**
 * Finds all files of the page. A path in a request is looked up in this map and never reaches the file system. Gives
 * undefined where the page was not built.
 */
export async function findPageFiles(folder: string): Promise<PageFiles | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (!entries) return undefined;
  const paths = new Set(
    entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)),
  );
  const files = [...paths].filter((path) => !path.endsWith(".gz"));
  return new Map(
    files.map((path) => [
      path.slice(folder.length + 1).replaceAll("\\", "/"),
      {
        path,
        gzipPath: paths.has(`${path}.gz`) ? `${path}.gz` : undefined,
        contentType: contentTypes[extname(path)] ?? "application/octet-stream",
        hash: hashedName.exec(path)?.[1],
      },
    ]),
  );
}

/** Gives a tag that changes with the file, or undefined where it was removed since it was found. */
export async function tagOf({ path, hash }: PageFile): Promise<string | undefined> {
  if (hash !== undefined) return `"${hash}"`;
  const bytes = await readIfThere(path); // some kB
  return bytes && `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
}

/** Gives the file's bytes, as gzip where that is taken and there; or undefined where the file was removed. */
export async function bytesOf({ path, gzipPath, hash }: PageFile, { takesGzip }: { takesGzip: boolean }) {
  const read = hash === undefined ? readIfThere : readShared; // what has no hash may have changed
  const packed = takesGzip && gzipPath !== undefined ? await read(gzipPath) : undefined;
  if (packed) return { bytes: packed, isGzip: true };
  const plain = await read(path);
  return plain && { bytes: plain, isGzip: false };
}

/** What is being read or sent is not read for others; the garbage collector has what is sent to nobody. */
const inUse = new Map<string, Promise<Buffer | undefined> | WeakRef<Buffer>>();

async function readShared(path: string): Promise<Buffer | undefined> {
  const known = inUse.get(path);
  const shared = known instanceof WeakRef ? known.deref() : known;
  if (shared) return shared;
  const reading = readIfThere(path);
  inUse.set(path, reading);
  const bytes = await reading.finally(() => inUse.delete(path));
  if (bytes) inUse.set(path, new WeakRef(bytes));
  return bytes;
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}
