import { EncoderError } from "../errors.ts";
import { type ContentHash, hashFromEtag } from "./content-hash.ts";
import type { Hub } from "./hub.ts";
import type { RepositoryFile } from "./repository-file.ts";
import { request } from "./request.ts";
import { withRetries } from "./with-retries.ts";

export interface FileFacts {
  /** The branch or tag stands for this commit now. */
  commit: string;
  bytes: number | undefined;
  /** Hash of the content; undefined where the server's ETag is not made from it. */
  hash: ContentHash | undefined;
}

/** @throws EncoderError HUB_FAILED; `isMissingFile` tells a file that is not there. */
export async function fileFacts(hub: Hub, file: RepositoryFile, signal?: AbortSignal): Promise<FileFacts> {
  const response = await withRetries({ hub, signal }, () => request({ hub, file, method: "HEAD", signal }));
  const { headers } = response;
  // A small file comes from the Hub itself; of a large one, ETag and Content-Length may be those of the redirect.
  const etag = headers.get("x-linked-etag") ?? headers.get("etag");
  const commit = headers.get("x-repo-commit") ?? file.revision;
  if (!/^[0-9a-f]{40}$/.test(commit)) {
    // It becomes a folder's name, so nothing else will do.
    const message = `${hub.endpoint} does not say which commit ${file.revision} of ${file.repository} is: is HF_ENDPOINT a Hub?`;
    throw new EncoderError("HUB_FAILED", message);
  }
  const length = headers.get("x-linked-size") ?? (response.ok ? headers.get("content-length") : null);
  return {
    commit,
    bytes: length !== null && /^\d+$/.test(length) ? Number(length) : undefined,
    hash: etag === null ? undefined : hashFromEtag(etag),
  };
}
