import type { Response } from "undici";
import { EncoderError } from "../errors.ts";
import type { Hub } from "./hub.ts";
import { nameOf, type RepositoryFile } from "./repository-file.ts";
import { transient } from "./with-retries.ts";

interface Refused {
  hub: Hub;
  file: RepositoryFile;
  response: Response;
  /** Tells whether the Hub itself answered, or the storage that it redirects to. */
  atHub: boolean;
}

/** Says what an answer that is not a success means, and what to do about it. */
export function refusal({ hub, file, response, atHub }: Refused): EncoderError {
  const { status, headers } = response;
  const { repository, revision } = file;
  const fail = (message: string) => new EncoderError("HUB_FAILED", message);
  if (status === 408 || status === 429 || status >= 500) {
    return transient(`${new URL(response.url || hub.endpoint).host} answers ${status} for ${nameOf(file)}.`, {
      retryAfterSeconds: retryAfter(headers.get("retry-after")),
    });
  }
  // Links to the storage expire, and it then says 403; asking the Hub again gives a new one.
  if (!atHub) return transient(`The Hub's storage answers ${status} for ${nameOf(file)}.`);

  const page = `${hub.endpoint}/${repository}`;
  const code = headers.get("x-error-code");
  if (code === "GatedRepo") {
    return fail(
      `${repository} is gated: accept its terms at ${page}, then set HF_TOKEN to a token of that account${hub.token ? " (the one that is set has no access)" : ""}.`,
    );
  }
  if (code === "RevisionNotFound") {
    return fail(`${repository} has no revision ${revision}: see ${page}/commits for those it has.`);
  }
  if (code === "RepoNotFound" || status === 401) {
    const remedy = hub.token
      ? "check the name, and that the token in HF_TOKEN is valid and may read it"
      : "check the name, or set HF_TOKEN to a token that may read it";
    return fail(`There is no repository ${repository} at ${hub.endpoint}, or it is private: ${remedy}.`);
  }
  if (code === entryNotFound || status === 404) {
    return new EncoderError("HUB_FAILED", `There is no ${nameOf(file)}.`, { internal: entryNotFound });
  }
  if (status === 403) return fail(`The token has no access to ${repository}: HF_TOKEN needs the right to read it.`);
  return fail(`The Hub answers ${status} for ${nameOf(file)}: is HF_ENDPOINT (${hub.endpoint}) right?`);
}

const entryNotFound = "EntryNotFound";

/** Tells whether the repository is there and only this file of it is not. */
export function isMissingFile(error: unknown): boolean {
  return error instanceof EncoderError && error.internal === entryNotFound;
}

/** Reads a number of seconds, or a date. */
function retryAfter(header: string | null): number {
  if (header === null) return 0;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
}
