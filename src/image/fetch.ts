import { setMaxListeners } from "node:events";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { EncoderConfig, fetchSettings } from "../config/encoder.ts";
import type { ValuesOf } from "../config/setting.ts";
import { EncoderError, overloaded } from "../errors.ts";
import { packageVersion } from "../host/package.ts";
import { createLanes, type Turn } from "../scheduling/lanes.ts";
import { Pace, waitingShare } from "../scheduling/pace.ts";
import { isPublicAddress } from "./address.ts";
import { requestImage, StatusError } from "./image-request.ts";
import { createResolver, type Resolve } from "./resolver.ts";

/**
 * Fetches an image by URL for somebody who may not be trusted. The threat is a URL that makes this service talk to what
 * only it can reach. The guard stands at the connection: a name is resolved once, the address is checked, and the
 * connection goes to that very address, at every redirect anew. Every connection is closed afterwards, so none outlives
 * its check.
 */
export interface ImageFetcher {
  /**
   * Fetches one image when it is due.
   * @throws EncoderError URL_* or IMAGE_TOO_LARGE; OVERLOADED where too many wait, or the wait would take too much of
   * what the deadline leaves, unless the call may wait; the signal's reason when aborted.
   */
  fetchImage(url: string, options?: FetchTurn): Promise<FetchedImage>;
}

export interface FetchTurn extends Turn {
  /** Ends the time there is, in `performance.now()` milliseconds. */
  deadline?: number | undefined;
  /** Waits for its turn however long that takes. */
  wait?: boolean | undefined;
}

export interface FetchedImage {
  bytes: Uint8Array;
  /** The caller calls it once, when the bytes are no longer needed: other fetches may wait for that. */
  release(): void;
}

export type FetchOptions = ValuesOf<typeof fetchSettings> &
  Pick<EncoderConfig, "maxImageBytes"> & { resolve?: Resolve };

/** Longer URLs are refused; https://www.rfc-editor.org/rfc/rfc9110#section-4.1 asks for 8000 octets at least. */
const maxUrlLength = 8192;

const maxAddresses = 4;

export function createImageFetcher({ resolve = createResolver(), ...settings }: FetchOptions): ImageFetcher {
  const options = { ...settings, resolve };
  const { fetchConcurrency, maxFetchQueue, maxFetchedBytes } = options;
  /** Bytes of images that were fetched and are still needed. One image per lane comes on top. */
  let heldBytes = 0;
  const lanes = createLanes({ lanes: fetchConcurrency, isOpen: () => heldBytes < maxFetchedBytes });
  const pace = new Pace(fetchConcurrency);

  function requireTurn({ deadline = Number.POSITIVE_INFINITY, wait = false }: FetchTurn): void {
    if (wait || !lanes.isBusy) return;
    const waitMs = pace.msFor(lanes.waiting);
    const isLate = waitMs > (deadline - performance.now()) * waitingShare;
    if (isLate || lanes.waiting >= maxFetchQueue) throw overloaded("Too many image URLs wait to be fetched.", waitMs);
  }

  async function fetchNow(url: URL, signal: AbortSignal | undefined): Promise<FetchedImage> {
    const startedAt = performance.now();
    const timeout = AbortSignal.timeout(options.fetchTimeoutMs);
    const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
    try {
      const bytes = await follow(url, options, either);
      signal?.throwIfAborted(); // nobody is left who would release them
      heldBytes += bytes.length;
      const release = () => {
        heldBytes -= bytes.length;
        lanes.resume();
      };
      return { bytes, release };
    } catch (error) {
      throw explain(error, either, timeout, options);
    } finally {
      pace.measure(1, performance.now() - startedAt);
    }
  }

  return {
    async fetchImage(url, turn = {}) {
      turn.signal?.throwIfAborted();
      if (!options.imageUrls) {
        throw new EncoderError("URL_FORBIDDEN", "Image URLs are switched off here; send the image itself.");
      }
      const first = parseUrl(url);
      requireTurn(turn);
      let fetched: FetchedImage | undefined;
      const work = async () => {
        fetched = await fetchNow(first, turn.signal);
        return fetched;
      };
      return lanes.run(work, turn).catch((error) => {
        fetched?.release(); // it arrived in the moment of the abort
        throw error;
      });
    },
  };
}

/**
 * Follows redirects by hand, since each hop's address is to be checked. They may lead from https to http: nothing
 * secret is sent there, and http is allowed to begin with. What FETCH_HEADERS has for a host goes there only while no
 * other origin was passed.
 */
async function follow(first: URL, options: Required<FetchOptions>, signal: AbortSignal): Promise<Uint8Array> {
  const { maxRedirects, maxImageBytes, fetchConnectTimeoutMs, fetchIdleTimeoutMs } = options;
  const limits = { maxImageBytes, fetchConnectTimeoutMs, fetchIdleTimeoutMs };
  setMaxListeners(0, signal); // each hop has a connection that listens, which is closed before the next one
  const agent = options.fetchUserAgent || `image-text-encoder/${await packageVersion()}`; // some sites ask who comes
  let url = first;
  let secrets = options.fetchHeaders[first.origin];
  for (let hop = 0; hop <= maxRedirects; hop++) {
    if (url.origin !== first.origin) secrets = undefined;
    const headers = { accept: "image/*", "accept-encoding": "identity", "user-agent": agent, ...secrets };
    const answer = await withOneRetry(signal, async () => {
      const addresses = await checkedAddresses(url, options, signal);
      return requestImage({ url, addresses, headers, signal, ...limits });
    });
    if (answer instanceof Uint8Array) return answer;
    url = parseUrl(answer.location, url);
  }
  throw new EncoderError("URL_TOO_MANY_REDIRECTS", `The image URL redirects more than ${maxRedirects} times.`);
}

/** A gateway that answers so may get over it, and a connection that was cut may hold the next time. */
const passingStatuses = [502, 503, 504];
const cutConnections = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"];
const retryDelayMs = 100;

/** Tries once more, on a new connection to addresses that are checked anew. */
async function withOneRetry<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const isPassing =
      error instanceof StatusError
        ? passingStatuses.includes(error.answered)
        : cutConnections.includes(String((error as { code?: unknown }).code)); // whatever Node or undici threw
    if (!isPassing || signal.aborted) throw error;
    await sleep(retryDelayMs, undefined, { signal });
    return attempt();
  }
}

/** @throws EncoderError URL_FORBIDDEN where no address of the host may be connected to. */
async function checkedAddresses(url: URL, options: Required<FetchOptions>, signal: AbortSignal): Promise<string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  // `*.example.com` stands for every name below example.com; anything else for itself.
  const matches = (pattern: string) => (pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern);
  const listed = options.urlAllowlist.some(matches);
  if (options.urlAllowlist.length > 0 && !listed) throw forbidden(`${host} is not on the allow-list`);
  const addresses = isIP(host) ? [host] : await options.resolve(host, signal);
  const mayConnect = options.allowPrivateUrls || listed ? isIP : isPublicAddress;
  // A name with public and private addresses is somebody's trick or mistake; the public ones do no harm.
  const allowed = addresses.filter((address) => mayConnect(address)).slice(0, maxAddresses);
  if (allowed.length === 0) throw forbidden(`${host} is at ${addresses.join(", ") || "no address"}`);
  return allowed;
}

function parseUrl(text: string, base?: URL): URL {
  const invalid = (fault: string) => new EncoderError("URL_INVALID", `The image URL${fault}.`);
  if (text.length > maxUrlLength) throw invalid(` is longer than ${maxUrlLength} characters`);
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === "")
    throw invalid(" is not a valid http or https URL");
  if (url.username !== "" || url.password !== "") throw invalid(" carries credentials, which are not sent");
  if (url.port === "0") throw invalid("'s port is not valid");
  return url;
}

/** Tells what went wrong, in words that say nothing about the network this runs in. */
function explain(error: unknown, signal: AbortSignal, timeout: AbortSignal, options: FetchOptions): unknown {
  if (signal.aborted && !timeout.aborted) return signal.reason;
  if (error instanceof EncoderError) return error;
  const { code, message, name } = error as { code?: string; message?: string; name?: string }; // Node's or undici's
  const internal = `${code ?? ""} ${message ?? error}`.trim();
  const limit = timeout.aborted ? ` within ${options.fetchTimeoutMs} ms in all` : struckLimit(code, options);
  if (limit) return new EncoderError("URL_TIMEOUT", `The image URL did not answer${limit}.`, { internal });
  const isMalformed = name === "HTTPParserError" || name === "ResponseContentLengthMismatchError";
  const reason = isMalformed ? ": its server's answer breaks the rules of HTTP" : "";
  const sentence = `The image URL could not be fetched${reason}.`;
  return new EncoderError("URL_UNREACHABLE", sentence, { cause: error, internal });
}

/** Names the limit that struck; it is undefined for failures of another kind. */
function struckLimit(code: string | undefined, options: FetchOptions): string | undefined {
  if (code === "UND_ERR_CONNECT_TIMEOUT") return `: no connection within ${options.fetchConnectTimeoutMs} ms`;
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT") {
    return `: it was silent for ${options.fetchIdleTimeoutMs} ms`;
  }
  return /TIMEOUT|ETIMEDOUT/.test(code ?? "") ? " in time" : undefined;
}

function forbidden(internal: string): EncoderError {
  const message = "The image URL points to an address that may not be fetched from here.";
  return new EncoderError("URL_FORBIDDEN", message, { internal });
}
