import { isIP, type Socket } from "node:net";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { buildConnector, Client, type Dispatcher } from "undici";
import type { EncoderConfig } from "../config/encoder.ts";
import { EncoderError, overloaded } from "../errors.ts";
import { createLanes, type Turn } from "../scheduling/lanes.ts";
import { Pace, waitingShare } from "../scheduling/pace.ts";
import { isPublicAddress } from "./address.ts";
import { createResolver, type Resolve } from "./resolver.ts";

/**
 * Fetching an image by URL for somebody who may not be trusted. The threat: a URL that makes this service talk to what only
 * it can reach. The guard stands at the connection: a name is resolved once, the address is checked, and the connection goes
 * to that very address, at every redirect anew. Every connection is closed afterwards, so none outlives its check.
 */
export interface ImageFetcher {
  /**
   * Fetches one image when it is due.
   * @throws EncoderError URL_* or IMAGE_TOO_LARGE; OVERLOADED where too many wait, or the wait would take too much of what
   * the deadline leaves, unless the call may wait; the signal's reason when aborted.
   */
  fetchImage(url: string, options?: FetchTurn): Promise<FetchedImage>;
}

export interface FetchTurn extends Turn {
  /** In `performance.now()` milliseconds. */
  deadline?: number | undefined;
  /** Waits for its turn however long that takes. */
  wait?: boolean | undefined;
}

export interface FetchedImage {
  bytes: Uint8Array;
  /** To be called once, when the bytes are no longer needed: other fetches may wait for that. */
  release(): void;
}

export type FetchOptions = Pick<
  EncoderConfig,
  | "imageUrls"
  | "allowPrivateUrls"
  | "urlAllowlist"
  | "fetchTimeoutMs"
  | "fetchConnectTimeoutMs"
  | "fetchIdleTimeoutMs"
  | "fetchConcurrency"
  | "maxFetchQueue"
  | "maxFetchedBytes"
  | "maxRedirects"
  | "maxImageBytes"
> & {
  resolve?: Resolve;
};

/** No more than a URL's worth; https://www.rfc-editor.org/rfc/rfc9110#section-4.1 asks for 8000 octets at least. */
const maxUrlLength = 8192;

/** Of a name's addresses, how many are tried. */
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

async function follow(first: URL, options: Required<FetchOptions>, signal: AbortSignal): Promise<Uint8Array> {
  let url = first;
  for (let hop = 0; hop <= options.maxRedirects; hop++) {
    const answer = await get(url, options, signal);
    if (answer instanceof Uint8Array) return answer;
    url = parseUrl(answer.location, url); // from https to http too: nothing secret is sent, and http is allowed to begin with
  }
  throw new EncoderError("URL_TOO_MANY_REDIRECTS", `The image URL redirects more than ${options.maxRedirects} times.`);
}

/** One request on a connection of its own: the body, or where it redirects to. */
async function get(
  url: URL,
  options: Required<FetchOptions>,
  signal: AbortSignal,
): Promise<Uint8Array | { location: string }> {
  const addresses = await checkedAddresses(url, options, signal);
  const connect = buildConnector({
    signal, // that of the request below is only heard once there is a connection
    timeout: options.fetchConnectTimeoutMs,
    // Tried in turn. Not asked for a literal address, which is its own answer. The name stays in Host and certificate check.
    lookup: (_host, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      ),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.ceil(options.fetchConnectTimeoutMs / addresses.length),
  });
  const client = new Client(url.origin, {
    connect: (target, done) =>
      connect(target, (...result) => {
        const [, socket] = result;
        if (socket) limitTraffic(socket, options.maxImageBytes);
        done(...result);
      }),
    headersTimeout: options.fetchIdleTimeoutMs,
    bodyTimeout: options.fetchIdleTimeoutMs,
    pipelining: 1,
  });
  try {
    const reply = await client.request({
      method: "GET",
      path: `${url.pathname}${url.search}`,
      headers: { accept: "image/*", "accept-encoding": "identity", "user-agent": "image-text-encoder" },
      signal,
    });
    const { location } = reply.headers;
    if ([301, 302, 303, 307, 308].includes(reply.statusCode) && typeof location === "string") return { location };
    if (reply.statusCode !== 200) {
      throw new EncoderError("URL_STATUS", `The image URL answered with status ${reply.statusCode}, not 200.`);
    }
    return await readBody(reply, options.maxImageBytes);
  } finally {
    await client.destroy();
  }
}

/** Ends a connection on which more comes than an image and its packing: endless headers, interim answers, tiny chunks. */
function limitTraffic(socket: Socket, maxImageBytes: number): void {
  const most = 2 * maxImageBytes + 64 * 1024;
  socket.on("readable", () => {
    if (socket.bytesRead > most) socket.destroy(tooLarge(maxImageBytes));
  });
}

/** @throws EncoderError URL_FORBIDDEN where no address of the host may be connected to. */
async function checkedAddresses(url: URL, options: Required<FetchOptions>, signal: AbortSignal): Promise<string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const listed = options.urlAllowlist.some((pattern) => matches(host, pattern));
  if (options.urlAllowlist.length > 0 && !listed) throw forbidden(`${host} is not on the allow-list`);
  const addresses = isIP(host) ? [host] : await abortable(options.resolve(host, signal), signal);
  const mayConnect = options.allowPrivateUrls || listed ? isIP : isPublicAddress;
  // A name with public and private addresses is somebody's trick or mistake; the public ones do no harm.
  const allowed = addresses.filter((address) => mayConnect(address)).slice(0, maxAddresses);
  if (allowed.length === 0) throw forbidden(`${host} is at ${addresses.join(", ") || "no address"}`);
  return allowed;
}

/** `*.example.com` stands for every name below example.com; anything else for itself. */
function matches(host: string, pattern: string): boolean {
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function parseUrl(text: string, base?: URL): URL {
  const url = text.length <= maxUrlLength && URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") {
    throw new EncoderError("URL_INVALID", "The image URL is not a valid http or https URL.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new EncoderError("URL_INVALID", "The image URL carries credentials, which are not sent.");
  }
  if (url.port === "0") throw new EncoderError("URL_INVALID", "The image URL's port is not valid.");
  return url;
}

const decoders = { gzip: createGunzip, "x-gzip": createGunzip, deflate: createInflate, br: createBrotliDecompress };

/** The bytes after inflation (none was asked for, but some servers compress all the same), counted as they come. */
async function readBody({ headers, body }: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  if (Number(headers["content-length"]) > maxBytes) throw tooLarge(maxBytes);
  const collect = async (chunks: AsyncIterable<Uint8Array>) => {
    const kept: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      kept.push(chunk);
    }
    return Buffer.concat(kept);
  };
  const encoding = String(headers["content-encoding"] ?? "identity")
    .trim()
    .toLowerCase();
  if (encoding === "identity") return collect(body);
  const [, createDecoder] = Object.entries(decoders).find(([name]) => name === encoding) ?? [];
  if (!createDecoder)
    throw new EncoderError("URL_UNREACHABLE", "The image URL's content-encoding is not one that is read.");
  const inflated = createDecoder();
  body.on("error", (error) => inflated.destroy(error)).pipe(inflated);
  return collect(inflated);
}

/** What went wrong, in words that say nothing about the network this runs in. */
function explain(error: unknown, signal: AbortSignal, timeout: AbortSignal, { fetchTimeoutMs }: FetchOptions): unknown {
  if (signal.aborted && !timeout.aborted) return signal.reason;
  if (error instanceof EncoderError) return error;
  const { code, message } = error as { code?: string; message?: string }; // whatever Node or undici threw
  const internal = `${code ?? ""} ${message ?? error}`.trim();
  if (timeout.aborted || /TIMEOUT|ETIMEDOUT/.test(code ?? "")) {
    return new EncoderError("URL_TIMEOUT", `The image URL did not answer in time (${fetchTimeoutMs} ms in all).`, {
      internal,
    });
  }
  return new EncoderError("URL_UNREACHABLE", "The image URL could not be fetched.", { cause: error, internal });
}

function forbidden(internal: string): EncoderError {
  return new EncoderError("URL_FORBIDDEN", "The image URL points to an address that may not be fetched from here.", {
    internal,
  });
}

function tooLarge(maxBytes: number): EncoderError {
  return new EncoderError("IMAGE_TOO_LARGE", `Expected at most ${maxBytes} bytes at the image URL, received more.`);
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
