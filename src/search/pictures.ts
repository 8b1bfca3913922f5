import { constants } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { LRUCache } from "lru-cache";
import type { Thumbnailer } from "../image/thumbnail.ts";
import { pathOf } from "../model/path-name.ts";
import { liesBelow } from "../storage/lies-below.ts";
import type { PictureIndex } from "./picture-index.ts";
import { thumbnailPath } from "./thumbnail-path.ts";
import type { FoundRow } from "./vector-store.ts";

/**
 * Shows pictures of an index to whoever may search it. The threat: a file that took the place of an indexed one, such as a
 * link to a secret. So a file is opened without following a link, must lie below an indexed folder, must have the size and
 * time that it was indexed with, and never leaves as it is: what is shown was decoded and encoded anew.
 */
export interface Pictures {
  /** @returns a WebP, or undefined where there is none to be shown. */
  read(id: string, options: { width: number; signal: AbortSignal }): Promise<Picture | undefined>;
}

export interface Picture {
  bytes: Uint8Array;
  etag: string;
}

/** Enough for some thousand small pictures. */
const cacheBytes = 64 * 1024 * 1024;

export interface PicturesOptions {
  index: PictureIndex;
  thumbnailer: Thumbnailer;
  maxImageBytes: number;
}

export function createPictures({ index, thumbnailer, maxImageBytes }: PicturesOptions): Pictures {
  const cache = new LRUCache<string, Uint8Array>({ maxSize: cacheBytes, sizeCalculation: ({ length }) => length || 1 });

  /** Uses the open file of a row, if it is still the one that was indexed. */
  async function withFile<T>({ root, path, version }: FoundRow, use: (handle: FileHandle) => Promise<T>) {
    const folder = (await index.facts()).roots[root];
    if (folder === undefined) return undefined;
    const file = Buffer.concat([pathOf(folder), Buffer.from("/"), pathOf(path)]);
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(file, flags).catch(() => undefined); // gone, a link, or not to be read
    if (!handle) return undefined;
    try {
      const found = await handle.stat({ bigint: true });
      const isSame = found.isFile() && `${found.size}:${found.mtimeNs}` === version && found.size <= maxImageBytes;
      return isSame && (await liesBelow(handle, file, pathOf(folder))) ? await use(handle) : undefined;
    } finally {
      await handle.close();
    }
  }

  async function render(row: FoundRow, width: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (row.root < 0) return readFile(thumbnailPath(index.directory, row.hash)).catch(() => undefined);
    const bytes = await withFile(row, (handle) => handle.readFile());
    return bytes && thumbnailer.thumbnail(bytes, { width, signal });
  }

  return {
    async read(id, { width, signal }) {
      const row = /^[0-9a-f]{16}$/.test(id) ? await (await index.rows()).get(id) : undefined;
      if (!row) return undefined;
      const key = `${row.hash} ${row.root < 0 ? "small" : width}`;
      // The file is looked at every time: a picture that was taken away is not shown from memory.
      const isThere = row.root < 0 || (await withFile(row, async () => true));
      const bytes = isThere ? (cache.get(key) ?? (await render(row, width, signal))) : undefined;
      if (!bytes) return undefined;
      cache.set(key, bytes);
      return { bytes, etag: `"${Buffer.from(row.hash, "base64").toString("hex").slice(0, 32)}-${width}"` };
    },
  };
}
