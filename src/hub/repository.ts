import { mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type CheckpointFolder, openCheckpoint } from "../checkpoint/folder.ts";
import { EncoderError } from "../errors.ts";
import { storing } from "../storage/storing.ts";
import { cachedCommit, findCached } from "./cached-file.ts";
import { checkContent } from "./content-hash.ts";
import { downloadFile } from "./download-file.ts";
import { type FileFacts, fileFacts } from "./file-facts.ts";
import type { Hub } from "./hub.ts";
import { isMissingFile } from "./refusal.ts";
import { nameOf, type RepositoryFile, type RepositoryRevision } from "./repository-file.ts";

/** Names one commit of a repository, and the folder that its files are brought to. */
export interface Repository {
  hub: Hub;
  repository: string;
  commit: string;
  directory: string;
  /** Hashes that are known beforehand, by path. */
  sha256: Readonly<Record<string, string>>;
  signal: AbortSignal | undefined;
}

/** Says where a checkpoint is, and what its files must hash to, by path, as far as that is known beforehand. */
export interface CheckpointSource extends RepositoryRevision {
  sha256?: Readonly<Record<string, string>>;
}

export interface OpenRepositoryOptions extends CheckpointSource {
  hub: Hub;
  /** Gets a folder per repository and commit, in which a later run finds what an earlier one downloaded. */
  downloadsDir: string;
  signal: AbortSignal | undefined;
}

/** A branch or tag is looked up once, so that all files come from one commit. */
export async function openRepository(options: OpenRepositoryOptions): Promise<Repository> {
  const { hub, repository, downloadsDir, signal, sha256 = {} } = options;
  const commit = await resolveCommit(options);
  const directory = join(downloadsDir, repository.replaceAll("/", "--"), commit);
  await storing(() => mkdir(directory, { recursive: true }));
  return { hub, repository, commit, directory, sha256, signal };
}

async function resolveCommit({ hub, repository, revision, signal }: OpenRepositoryOptions): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(revision)) return revision;
  const commitBy = async (path: string) => (await fileFacts(hub, { repository, revision, path }, signal)).commit;
  if (!hub.offline) {
    return commitBy("modules.json").catch((error) => {
      if (isMissingFile(error)) return commitBy("config.json"); // a checkpoint of transformers has no modules
      throw error;
    });
  }
  const commit = await cachedCommit(hub, { repository, revision });
  if (commit) return commit;
  const message = `Which commit ${revision} of ${repository} is cannot be found out offline: name the commit, or unset HF_HUB_OFFLINE.`;
  throw new EncoderError("HUB_FAILED", message);
}

export interface LocatedFile extends RepositoryFile, Pick<FileFacts, "bytes" | "hash"> {
  /** Tells whether it lies in the repository's folder; else it is to be downloaded. */
  isHere: boolean;
}

/**
 * Looks for a file in Python's cache, which it is then linked to, here, and on the Hub.
 * @throws EncoderError HUB_FAILED; `isMissingFile` tells a file that the repository does not have.
 */
export async function locateFile(from: Repository, path: string): Promise<LocatedFile> {
  const { hub, signal } = from;
  const file = { repository: from.repository, revision: from.commit, path };
  const sha256 = from.sha256[path];
  const cached = await findCached(hub, file, { sha256, signal });
  if (cached) {
    await link(cached.path, join(from.directory, path));
    return { ...file, bytes: cached.bytes, hash: undefined, isHere: true };
  }
  if (hub.offline) {
    const message = `${nameOf(file)} is not in the Hugging Face cache (HF_HUB_CACHE), or damaged there, and HF_HUB_OFFLINE forbids downloading it: unset it, or copy a built model's folder from another machine.`;
    throw new EncoderError("HUB_FAILED", message);
  }
  const facts = await fileFacts(hub, file, signal);
  if (facts.commit !== from.commit) {
    const message = `The Hub answers with commit ${facts.commit} for ${nameOf(file)}: expected ${from.commit}.`;
    throw new EncoderError("HUB_FAILED", message);
  }
  if (sha256 !== undefined && facts.hash?.algorithm === "sha256" && facts.hash.hex !== sha256) {
    const message = `The Hub offers another ${nameOf(file)} than the pinned one: expected sha256 ${sha256}, received ${facts.hash.hex}. Nothing of it was downloaded; do not trust this mirror.`;
    throw new EncoderError("HUB_FAILED", message);
  }
  const hash = sha256 === undefined ? facts.hash : { algorithm: "sha256" as const, hex: sha256 };
  const found = hash && (await checkContent(join(from.directory, path), hash, signal).catch(() => undefined));
  return { ...file, bytes: facts.bytes, hash, isHere: found?.matches ?? false };
}

async function link(source: string, target: string): Promise<void> {
  await storing(async () => {
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true });
    await symlink(source, target);
  });
}

/** Downloads a file that is not here. */
export async function fetchFile(
  { hub, directory, signal }: Repository,
  file: LocatedFile,
  onProgress: (bytes: number) => void = () => {},
): Promise<void> {
  if (file.isHere) return onProgress(file.bytes ?? 0);
  return downloadFile({ hub, file, target: join(directory, file.path), signal, onProgress });
}

/**
 * Opens the repository as a folder whose files are brought here when they are asked for, so that those who read a
 * checkpoint decide which ones are needed. It is meant for small files; of tensors only the location is wanted.
 */
export async function openHubCheckpoint(from: Repository): Promise<CheckpointFolder> {
  const folder = await openCheckpoint(from.directory);
  const bring = async (file: string) => fetchFile(from, await locateFile(from, file));
  return {
    ...folder,
    async has(path) {
      // Offline, a file that Python's cache lacks is none, as for Python: it has what it reads of a repository.
      const file = { repository: from.repository, revision: from.commit, path };
      if (from.hub.offline && !(await findCached(from.hub, file, { sha256: undefined, signal: from.signal })))
        return false;
      const failure = await bring(path).catch((error: unknown) => error);
      if (failure !== undefined && !isMissingFile(failure)) throw failure;
      return failure === undefined;
    },
    bytes: (file) => bring(file).then(() => folder.bytes(file)),
    json: (file, schema) => bring(file).then(() => folder.json(file, schema)),
  };
}
