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

/** What is being sent to some is not read for others; the garbage collector has what is sent to nobody. */
const beingSent = new Map<string, WeakRef<Buffer>>();

/** Reads a file, whose name tells its content. */
async function bytesForEver(path: string): Promise<Buffer> {
  const known = beingSent.get(path)?.deref();
  if (known) return known;
  const bytes = await readFile(path);
  beingSent.set(path, new WeakRef(bytes));
  return bytes;
}

/** Gives a file's bytes, and a tag that changes with them; or undefined where it was removed since it was found. */
export async function readPageFile(file: PageFile, options: { asGzip: boolean }) {
  return read(file, options).catch((error) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
}

async function read({ path, gzipPath, hash }: PageFile, { asGzip }: { asGzip: boolean }) {
  const chosen = asGzip && gzipPath !== undefined ? gzipPath : path;
  if (hash !== undefined) return { bytes: await bytesForEver(chosen), etag: `"${hash}"` };
  const plain = await readFile(path);
  const bytes = chosen === path ? plain : await readFile(chosen);
  return { bytes, etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"` };
}
