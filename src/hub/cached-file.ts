import { readFile, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { checkContent, hashFromEtag } from "./content-hash.ts";
import type { Hub } from "./hub.ts";
import type { RepositoryFile, RepositoryRevision } from "./repository-file.ts";

/**
 * Finds a file that Python's huggingface_hub downloaded: `snapshots/<commit>/<path>` is a link to `blobs/<etag>`. It
 * counts only if its content still has the hash that is pinned, or else the one that its blob is named after.
 * @returns where its bytes are
 */
export async function findCached(
  hub: Hub,
  file: RepositoryFile,
  { sha256, signal }: { sha256: string | undefined; signal: AbortSignal | undefined },
): Promise<{ path: string; bytes: number } | undefined> {
  const link = join(repositoryCache(hub, file), "snapshots", file.revision, file.path);
  const path = await realpath(link).catch(() => undefined);
  if (path === undefined) return undefined;
  const hash = sha256 === undefined ? hashFromEtag(basename(path)) : { algorithm: "sha256" as const, hex: sha256 };
  if (!hash || !(await checkContent(path, hash, signal)).matches) return undefined;
  return { path, bytes: (await stat(path)).size };
}

/** Reads the commit that a branch or tag stood for when Python last asked. */
export async function cachedCommit(hub: Hub, at: RepositoryRevision): Promise<string | undefined> {
  const text = await readFile(join(repositoryCache(hub, at), "refs", at.revision), "utf8").catch(() => "");
  return /^[0-9a-f]{40}$/.exec(text.trim())?.[0];
}

function repositoryCache(hub: Hub, { repository }: RepositoryRevision): string {
  return join(hub.cacheDir, `models--${repository.replaceAll("/", "--")}`);
}
