/** Is a request that gave no result. Its message is a sentence for people. */
export class ServiceProblem extends Error {
  override name = "ServiceProblem";
  /** This is the HTTP status, or 0 where no answer came. */
  readonly status: number;
  /** This is a code for programs, from the service, or UNREACHABLE. */
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, facts: { status: number; code: string; retryAfterSeconds?: number | undefined }) {
    super(message);
    this.status = facts.status;
    this.code = facts.code;
    this.retryAfterSeconds = facts.retryAfterSeconds;
  }
}

/** Reads what the service said in a reply that is no success. */
export async function problemOf(response: Response): Promise<ServiceProblem> {
  const body: unknown = await response.json().catch(() => undefined);
  const { error, code } = isFailure(body)
    ? body
    : { error: `The service answered ${response.status}.`, code: "UNKNOWN" };
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfterSeconds = Number.isFinite(retryAfter) ? retryAfter : undefined;
  return new ServiceProblem(error, { status: response.status, code, retryAfterSeconds });
}

function isFailure(body: unknown): body is { error: string; code: string } {
  return (
    typeof body === "object" && body !== null && "error" in body && typeof body.error === "string" && "code" in body
  );
}
