import { errorOf, ServiceError } from "./service-error.ts";

/** Where the service is, and how it is asked. */
export interface ClientOptions {
  /** Such as `http://localhost:5555`. A path is kept, for a service behind a proxy. */
  baseUrl: string | URL;
  /** Goes as a Bearer token. A function is asked before each request. */
  apiKey?: string | (() => string | undefined) | undefined;
  /** A request that the service refuses with 429 or 503 is tried again this often; 5 by default. */
  maxRetries?: number | undefined;
  /**
   * Most items of a batch in one request, 64 by default; the service has a limit of its own
   * (MAX_BATCH_ITEMS).
   */
  batchSize?: number | undefined;
  /** Most requests of one call at once, 4 by default: some are prepared while others are encoded. */
  concurrency?: number | undefined;
  fetch?: typeof fetch | undefined;
  /** Called with the failure of each request that is not tried again, whichever call made it. */
  onFailure?: ((error: ServiceError) => void) | undefined;
}

export interface CallOptions {
  /** Aborting it ends requests and waits; the call then rejects with its reason. */
  signal?: AbortSignal | undefined;
  /** Called before each wait for another try. */
  onRetry?: ((wait: { seconds: number; error: ServiceError }) => void) | undefined;
}

export interface Call extends CallOptions {
  path: string;
  /** JSON, or the bytes themselves. Without a body the request is a GET. */
  body?: string | Blob | undefined;
}

interface KeyedCall extends Call {
  key: string | undefined;
}

/** A service that names a longer time has another reason than load, which the caller should hear of. */
const longestWaitSeconds = 120;

/**
 * Sends a request until it is answered.
 * @throws ServiceError, the signal's reason, what `apiKey` throws, or a TypeError for a key that is none
 */
export async function send(options: ClientOptions, call: Call): Promise<Response> {
  const { maxRetries = 5, apiKey } = options;
  for (let tries = 0; ; tries++) {
    const key = typeof apiKey === "function" ? apiKey() : apiKey;
    // The error of a header would tell the key.
    if (key !== undefined && !/^[\x20-\x7e]*$/.test(key)) throw new TypeError("The API key holds other than ASCII.");
    const response = await reach(options, { ...call, key });
    if (response.ok) return response;
    const error = await errorOf(response);
    const seconds = error.retryAfterSeconds ?? 2 ** tries;
    const isBusy = error.status === 429 || error.status === 503;
    if (!isBusy || tries >= maxRetries || seconds > longestWaitSeconds) throw reported(options, error);
    call.onRetry?.({ seconds, error });
    await sleep(seconds * 1000, call.signal);
  }
}

/** A connection that was kept may be closed by the service just as it is used again, so one failure is no outage. */
async function reach(options: ClientOptions, call: KeyedCall): Promise<Response> {
  try {
    return await sendOnce(options, call);
  } catch {
    call.signal?.throwIfAborted();
  }
  try {
    return await sendOnce(options, call);
  } catch (cause) {
    call.signal?.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new ServiceError(`The service cannot be reached (${reason}).`, { ...unreachable, cause });
    throw reported(options, error);
  }
}

const unreachable = { status: 0, code: "UNREACHABLE" } as const;

function reported({ onFailure }: ClientOptions, error: ServiceError): ServiceError {
  onFailure?.(error);
  return error;
}

/** Gives an answer that has arrived whole, so that what can fail on the way has failed or been aborted by then. */
async function sendOnce(options: ClientOptions, { path, body, signal, key }: KeyedCall): Promise<Response> {
  const { baseUrl, fetch: ask = fetch } = options;
  const headers = new Headers(key === undefined ? {} : { authorization: `Bearer ${key}` });
  if (body !== undefined) headers.set("content-type", contentType(body));
  const response = await ask(new URL(path, baseUrl), {
    ...(body !== undefined && { method: "POST", body }),
    headers,
    signal: signal ?? null,
  });
  const content = await response.blob();
  const { status, statusText, headers: answered } = response;
  return new Response(content.size > 0 ? content : null, { status, statusText, headers: answered });
}

/** The service looks at a picture's bytes, but reads only what is declared as a picture or as bytes. */
function contentType(body: string | Blob): string {
  if (typeof body === "string") return "application/json";
  return body.type.startsWith("image/") ? body.type : "application/octet-stream";
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
