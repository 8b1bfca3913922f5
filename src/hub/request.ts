import type { Response } from "undici";
import { EncoderError } from "../errors.ts";
import type { Hub } from "./hub.ts";
import { refusal } from "./refusal.ts";
import { fileUrl, type RepositoryFile } from "./repository-file.ts";
import { transient } from "./with-retries.ts";

export interface HubRequest {
  hub: Hub;
  file: RepositoryFile;
  method: "HEAD" | "GET";
  headers?: Record<string, string>;
  signal: AbortSignal | undefined;
}

/** The Hub redirects once to its storage, and a renamed repository adds one. */
const maxRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * Sends one request for one file, and gives a success, a 416 (nothing lies behind where a range begins), and for HEAD
 * also the redirect that has the file's facts; anything else is an error. Redirects are followed by hand, since the
 * token must not reach another host, and since a large file's facts are in the headers of the Hub's own answer, not in
 * those of the storage behind it.
 * @throws EncoderError HUB_FAILED, with `retryAfterSeconds` where another try may succeed.
 */
export async function request({ hub, file, method, headers, signal }: HubRequest): Promise<Response> {
  let url = fileUrl(hub.endpoint, file);
  let atHub = true;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const authorization = atHub && hub.token ? { authorization: `Bearer ${hub.token}` } : {};
    const response = await hub
      .fetch(url, {
        method,
        // A compressed answer has other bytes, another length and no ranges.
        headers: { "accept-encoding": "identity", "user-agent": "image-text-encoder", ...authorization, ...headers },
        redirect: "manual",
        signal: signal ?? null,
      })
      .catch((cause) => {
        signal?.throwIfAborted();
        const remedy = "check the network, HF_ENDPOINT and HTTPS_PROXY";
        throw transient(`${url.host} cannot be reached (${reasonOf(cause)}): ${remedy}.`, { cause });
      });
    const location = redirects.has(response.status) ? response.headers.get("location") : null;
    const target = location !== null && URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (!target) {
      if (response.ok || response.status === 416) return response;
      await response.body?.cancel();
      throw refusal({ hub, file, response, atHub });
    }
    const leaves = target.origin !== url.origin;
    if (method === "HEAD" && (leaves || response.headers.has("x-linked-etag"))) return response;
    if (leaves) {
      if (url.protocol === "https:" && target.protocol !== "https:") {
        throw new EncoderError("HUB_FAILED", `${url.host} redirects to an address without TLS, which is not followed.`);
      }
      atHub = false;
    }
    await response.body?.cancel();
    url = target;
  }
  throw new EncoderError("HUB_FAILED", `${url.host} redirects more than ${maxRedirects} times.`);
}

/** fetch says "fetch failed"; what failed is in its cause. */
export function reasonOf(error: unknown): string {
  const { cause = error } = error instanceof Error ? error : {};
  const { code, message } = cause as { code?: string; message?: string }; // whatever was thrown, as far as it is an error
  return code ?? message ?? String(cause);
}
