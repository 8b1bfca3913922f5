import type { ErrorCode } from "../errors.ts";

/** What can go wrong before the service says anything itself, besides its own codes. */
export type ServiceErrorCode = ErrorCode | "UNREACHABLE" | "UNEXPECTED_ANSWER" | "MODEL_CHANGED";

export interface ServiceErrorFacts {
  status: number;
  code: ServiceErrorCode;
  index?: number | undefined;
  retryAfterSeconds?: number | undefined;
  cause?: unknown;
}

/** Every call of the client that fails rejects with this, or with the reason of its own signal. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** Code of docs/errors.md, or one of the client's own. */
  readonly code: ServiceErrorCode;
  /** HTTP status, or 0 where no answer came. */
  readonly status: number;
  /** The position of the item that failed, in the list that the call was given. */
  readonly index: number | undefined;
  /** The service asks to wait this long before the next try. */
  readonly retryAfterSeconds: number | undefined;

  /** @param message a sentence for people */
  constructor(message: string, { status, code, index, retryAfterSeconds, cause }: ServiceErrorFacts) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.code = code;
    this.index = index;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What the service said in an answer that is no success. */
export async function errorOf(response: Response): Promise<ServiceError> {
  const body: unknown = await response.json().catch(() => undefined);
  const { error, code } = isFailure(body)
    ? body
    : { error: `The service answered ${response.status}.`, code: "UNEXPECTED_ANSWER" as const };
  const index = /^(?:texts|images|files)\[(\d+)\]: /.exec(error)?.[1];
  return new ServiceError(error, {
    status: response.status,
    code,
    ...(index !== undefined && { index: Number(index) }),
    retryAfterSeconds: secondsUntil(response.headers.get("retry-after")),
  });
}

/** Retry-After is a number of seconds, or (from some proxies) a date. */
function secondsUntil(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = Number(retryAfter);
  const wait = Number.isFinite(seconds) ? seconds : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

function isFailure(body: unknown): body is { error: string; code: ErrorCode } {
  return (
    typeof body === "object" && body !== null && "error" in body && typeof body.error === "string" && "code" in body
  );
}
