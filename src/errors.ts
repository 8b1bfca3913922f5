/** Declares every error: its code, its HTTP status and its meaning. docs/errors.md is generated from it. */
export const errorCodes = {
  // requests
  INVALID_JSON: [400, "The body is no valid JSON in UTF-8, or in the charset it names; the sentence says where."],
  INVALID_REQUEST: [400, "A field is missing, unknown, of a wrong type or contradicts another; the sentence names it."],
  EMPTY_TEXT: [400, "A text is empty or only white space, which has no vector; leave it out."],
  TEXT_TOO_LONG: [413, "A text is larger than MAX_TEXT_BYTES; cut it, since the model reads its first tokens only."],
  INVALID_BASE64: [400, "The image data is not valid base64; send the file's bytes in base64, or a data URI."],
  BATCH_TOO_LARGE: [413, "The request has more items than MAX_BATCH_ITEMS; send several requests."],
  BODY_TOO_LARGE: [413, "The request body is larger than MAX_BODY_BYTES; send fewer or smaller items."],
  UNSUPPORTED_MEDIA_TYPE: [415, "The content type or charset is not read by this route; the sentence lists what is."],
  NOT_ACCEPTABLE: [406, "The request asks for a vector's raw bytes, which only a single item's answer can be."],
  UNKNOWN_MODEL: [404, "The request names another model than the one that is served."],
  NOT_FOUND: [404, "There is no such route."],
  METHOD_NOT_ALLOWED: [405, "The route exists, but not for this method."],
  UNAUTHORIZED: [401, "API keys are configured, and the request has none; send one as x-api-key or as bearer token."],
  RATE_LIMITED: [429, "This client sent more requests than RATE_LIMIT allows; try again after Retry-After seconds."],
  REQUEST_TIMEOUT: [408, "The request did not arrive within HEADERS_TIMEOUT_MS and BODY_TIMEOUT_MS."],
  HEADERS_TOO_LARGE: [431, "The request's headers are larger than 16 KiB."],

  // images
  IMAGE_TOO_LARGE: [413, "The image exceeds MAX_IMAGE_BYTES or MAX_IMAGE_PIXELS; send a smaller one."],
  IMAGE_UNREADABLE: [422, "The image is truncated or corrupt; LENIENT_IMAGES=on encodes what there is of it."],
  IMAGE_UNSUPPORTED: [415, "The bytes are of no image format that this service reads; convert them to JPEG or PNG."],
  IMAGE_DECODE_TIMEOUT: [422, "Decoding took longer than DECODE_TIMEOUT_MS; send a smaller image, or raise the limit."],

  // image URLs
  URL_INVALID: [400, "The image URL is no valid http, https or data URL, or carries a user and password; mend it."],
  URL_FORBIDDEN: [403, "The image URL's address is not public (URL_ALLOWLIST), or URLs are off; send the image."],
  URL_UNREACHABLE: [422, "The image URL leads to no host, was refused, or the connection broke; check the URL."],
  URL_STATUS: [422, "The image URL did not answer 200; after 401 or 403, FETCH_HEADERS or FETCH_USER_AGENT may help."],
  URL_TIMEOUT: [422, "The image URL's server was slower than the limit that is named; try again, or raise it."],
  URL_TOO_MANY_REDIRECTS: [422, "The image URL redirects more often than MAX_REDIRECTS; give the URL it leads to."],

  // bulk runs and search
  INPUT_NOT_FOUND: [404, "A listed file is not there, or no longer."],
  INPUT_UNREADABLE: [422, "A file, folder, list or tar of a bulk run may not be read, or is cut off or malformed."],
  INPUT_REFUSED: [422, "A bulk run does not read this input: another URL scheme, a link, a device, an overlong line."],
  ITEM_TIMEOUT: [504, "An input of a bulk run was not read and encoded within ITEM_TIMEOUT_MS."],
  OUTPUT_REFUSED: [409, "A bulk run's output is in use by another run, or was made with another model or settings."],
  POISON_INPUT: [422, "The worker processes that took this input of a queued run died, twice."],
  SHARD_REFUSED: [409, "A worker has another model, other folders or another output than a queued shard needs."],
  SHARD_INVALID: [400, "A job of the queue is not a shard that this program made."],
  QUEUE_FAILED: [503, "The queue cannot be reached, or shards failed that `queue status` lists."],

  // load and faults
  OVERLOADED: [429, "The service is at its limits; try again after Retry-After seconds."],
  DEADLINE_EXCEEDED: [504, "The request was not finished within REQUEST_TIMEOUT_MS; send fewer items at a time."],
  CLIENT_CLOSED: [499, "The client went away before the answer was ready."],
  SHUTTING_DOWN: [503, "The service is stopping; send the request to another instance, or again after its restart."],
  ENGINE_FAILED: [503, "The inference engine failed on this input, also when it was tried alone."],
  DECODER_FAILED: [503, "The machine is short of memory, processes or processor time for decoding; try again later."],
  INTERNAL: [500, "Something unforeseen failed; the log has the details under the request id."],

  // models, configuration and the command line (never a reply to a request)
  CONFIG_INVALID: [500, "A setting has a wrong value."],
  CHECKPOINT_INVALID: [500, "A checkpoint is missing, truncated, inconsistent, or uses something not implemented."],
  MODEL_INVALID: [500, "A model folder is missing, incomplete or altered."],
  HUB_FAILED: [500, "Downloading from the Hub failed."],
  LISTEN_FAILED: [500, "The address or port cannot be listened on."],
  STORAGE_FAILED: [500, "Writing to disk failed."],
} as const satisfies Record<string, readonly [status: number, meaning: string]>;

export type ErrorCode = keyof typeof errorCodes;

/** Lists the codes for schemas; the table is not empty. */
export const errorCodeNames = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

/** Only this error is thrown on purpose. `message` is public: it never holds a path, an address or a body. */
export class EncoderError extends Error {
  override readonly name = "EncoderError";
  readonly code: ErrorCode;
  readonly status: number;
  /** Position of the item that failed, if the request has several. */
  readonly index: number | undefined;
  /** Details for logs, which must not become public. */
  readonly internal: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = errorCodes[code][0];
    this.index = details.index;
    this.internal = details.internal;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

export interface ErrorDetails {
  cause?: unknown;
  index?: number | undefined;
  internal?: string | undefined;
  retryAfterSeconds?: number | undefined;
}

/** Load changes too fast for estimates of more than a minute. */
const longestRetryAfterSeconds = 60;

/** Makes OVERLOADED, to be tried again when what waits now will be done. */
export function overloaded(reason: string, expectedWaitMs: number): EncoderError {
  const seconds = Math.min(Math.max(1, Math.ceil(expectedWaitMs / 1000)), longestRetryAfterSeconds);
  return new EncoderError("OVERLOADED", reason, { retryAfterSeconds: seconds });
}

/** Makes SHUTTING_DOWN, for whatever is asked after closing began, or takes longer than closing may. */
export function shuttingDown(): EncoderError {
  return new EncoderError("SHUTTING_DOWN", "The service is stopping.");
}

/** Makes UNAUTHORIZED, for a request that carries no key that is known. */
export function unauthorized(): EncoderError {
  const message = "A valid API key is required, as `authorization: Bearer KEY` or `x-api-key: KEY`.";
  return new EncoderError("UNAUTHORIZED", message);
}

/** Tells whether the fault lies in the one item, so that others of its request are not concerned. */
export function isItemFault(error: { code: string }): error is { code: ErrorCode } {
  return itemFaults.has(error.code);
}

const itemFaults: ReadonlySet<string> = new Set<ErrorCode>([
  ...(["EMPTY_TEXT", "TEXT_TOO_LONG", "INVALID_BASE64"] as const),
  ...(["IMAGE_TOO_LARGE", "IMAGE_UNREADABLE", "IMAGE_UNSUPPORTED", "IMAGE_DECODE_TIMEOUT"] as const),
  ...(["URL_INVALID", "URL_FORBIDDEN", "URL_UNREACHABLE", "URL_STATUS", "URL_TIMEOUT"] as const),
  "URL_TOO_MANY_REDIRECTS",
]);

/** Gives an EncoderError as it is, and turns anything else into INTERNAL with the original as its cause. */
export function toEncoderError(thrown: unknown): EncoderError {
  if (thrown instanceof EncoderError) return thrown;
  const internal = thrown instanceof Error ? thrown.message : String(thrown);
  return new EncoderError("INTERNAL", "Internal error.", { cause: thrown, internal });
}

/** Makes the same error with the position of the item that failed. */
export function atIndex(thrown: unknown, index: number): EncoderError {
  const error = toEncoderError(thrown);
  return new EncoderError(error.code, error.message, { ...error, cause: error.cause ?? error, index });
}
