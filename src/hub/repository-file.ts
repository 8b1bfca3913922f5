import { EncoderError } from "../errors.ts";

export interface RepositoryRevision {
  repository: string;
  /** Names a commit, branch or tag. */
  revision: string;
}

export interface RepositoryFile extends RepositoryRevision {
  /** Folders are separated by `/`. */
  path: string;
}

/** Reads `org/name` or `org/name@revision`; the branch is `main` where none is given. */
export function parseRepository(text: string): RepositoryRevision {
  const { repository, revision = "main" } =
    /^(?<repository>\w[\w.-]*(?:\/\w[\w.-]*)?)(?:@(?<revision>\w[\w./-]*))?$/.exec(text)?.groups ?? {};
  if (repository === undefined || text.includes("..")) {
    const message = `Expected a repository as org/name or org/name@revision, received ${JSON.stringify(text)}.`;
    throw new EncoderError("CONFIG_INVALID", message);
  }
  return { repository, revision };
}

export function fileUrl(endpoint: string, { repository, revision, path }: RepositoryFile): URL {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return new URL(`${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${encoded}`);
}

/** Names the file for messages. */
export function nameOf({ repository, revision, path }: RepositoryFile): string {
  return `${path} of ${repository} (${revision.slice(0, 12)})`;
}
