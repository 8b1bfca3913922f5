import { access, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { thumbnailPath } from "../search/thumbnail-path.ts";
import type { OwnFields, VectorStore } from "../search/vector-store.ts";
import { storing } from "../storage/storing.ts";
import type { Keeper } from "./run.ts";
import { writeWhole } from "./write-whole.ts";

export interface ThumbnailOptions {
  /** Folder of the index. */
  directory: string;
  /** Makes a small WebP of a picture. */
  thumbnail(bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
}

/** A thumbnail is a convenience; a picture that makes it slow goes without one. */
const timeoutMs = 20_000;

/** Keeps a thumbnail of each picture that is no file of its own, since nothing is fetched or unpacked when it is shown. */
export function keepThumbnails({ directory, thumbnail }: ThumbnailOptions): Keeper {
  /** The same picture may come by several URLs at once. */
  const inWork = new Map<string, Promise<void>>();
  async function keep(content: Uint8Array, contentHash: string): Promise<void> {
    const small = await thumbnail(content, AbortSignal.timeout(timeoutMs)).catch(() => undefined);
    if (!small) return; // the vector is what the run is for
    const path = thumbnailPath(directory, contentHash);
    await storing(() => mkdir(dirname(path), { recursive: true }));
    await writeWhole(path, [small]);
  }
  return {
    async keep(item, content, contentHash) {
      if (item.origin.kind === "file" || typeof content === "string") return;
      const begun = inWork.get(contentHash);
      if (begun) return begun;
      const keeping = keep(content, contentHash).finally(() => inWork.delete(contentHash));
      inWork.set(contentHash, keeping);
      return keeping;
    },
    /** A picture that is forgotten loses its thumbnail, and may come back. */
    async has(item, contentHash) {
      if (item.origin.kind === "file") return true;
      return access(thumbnailPath(directory, contentHash)).then(
        () => true,
        () => false,
      );
    },
  };
}

/** Removes rows, and their thumbnails unless another row shows the same picture. */
export async function removeRows(gone: readonly OwnFields[], store: VectorStore, directory: string): Promise<void> {
  await store.remove(gone.map(({ id }) => id));
  const hashes = new Set(gone.filter(({ root }) => root < 0).map(({ hash }) => hash));
  if (hashes.size === 0) return;
  for await (const { hash } of store.scan()) hashes.delete(hash);
  for (const hash of hashes) await storing(() => rm(thumbnailPath(directory, hash), { force: true }));
}
