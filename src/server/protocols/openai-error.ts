import { z } from "zod";
import type { EncoderError, ErrorCode } from "../../errors.ts";
import type { ErrorAnswer } from "../protocol.ts";
import { faultStatus } from "./fault-status.ts";

/** The clients of Voyage read `detail`, and those of the AI SDK `error`, as OpenAI has it. */
export const openaiFailure = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
  detail: z.string(),
});

/** SDKs compare these codes. */
const knownCodes: Partial<Record<ErrorCode, string>> = {
  UNKNOWN_MODEL: "model_not_found",
  UNAUTHORIZED: "invalid_api_key",
  RATE_LIMITED: "rate_limit_exceeded",
};

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

export function openaiAnswer(thrown: EncoderError): ReturnType<ErrorAnswer> {
  const { code, message } = thrown;
  const status = faultStatus(thrown);
  const error = { message, type: typeOf(status), param: null, code: knownCodes[code] ?? code };
  return { status, body: { error, detail: message } };
}
