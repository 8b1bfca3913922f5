import type { FastifyError, FastifyInstance, FastifyRequest } from "fastify";
import { EncoderError, type ErrorCode, toEncoderError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import type { ErrorAnswer } from "./protocol.ts";

/** Translates the errors of fastify that a client can cause into our codes. */
const frameworkErrors: Record<string, { code: ErrorCode; message: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "UNSUPPORTED_MEDIA_TYPE",
    message: "This route does not read this content type; JSON needs the header content-type: application/json.",
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: "BODY_TOO_LARGE", message: "The request body is too large." },
  FST_ERR_BAD_URL: { code: "INVALID_REQUEST", message: "The request's path is not a valid URL path." },
};

export const nativeAnswer: ErrorAnswer = ({ status, message, code }) => ({
  status,
  body: { success: false, error: message, code },
});

/** Answers every error of the routes of `app` in one shape. */
export function answerErrors(
  app: FastifyInstance,
  { metrics, answer }: { metrics: Metrics; answer: ErrorAnswer },
): void {
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const error = requestError(thrown, request);
    const { status, body } = answer(error);
    metrics.errors.inc({ code: error.code });
    request.errorCode = error.code;
    if (error.status >= 500 && error.code !== "SHUTTING_DOWN") {
      request.log.error({ code: error.code, internal: error.internal, err: error.cause }, error.message);
    } else if (error.internal !== undefined) {
      request.log.debug({ code: error.code, internal: error.internal }, error.message);
    }
    // Fastify would close the connection under a client that still sends and so never reads the answer. What is still
    // to come is discarded instead, within BODY_TIMEOUT_MS.
    reply.removeHeader("connection");
    if (status === 429 || status === 503) reply.header("retry-after", error.retryAfterSeconds ?? 1);
    if (status === 401) reply.header("www-authenticate", "Bearer");
    reply.header("x-request-id", request.id).header("content-type", "application/json; charset=utf-8");
    return reply.code(status).send(body);
  });
}

/** Turns what was thrown into an error that says which item of a batch it is about. */
function requestError(thrown: FastifyError, request: FastifyRequest): EncoderError {
  const error = fromFramework(thrown);
  if (error.index === undefined || request.nameItem === undefined) return error;
  const message = `${request.nameItem(error.index)}: ${error.message}`;
  return new EncoderError(error.code, message, { ...error, cause: error.cause });
}

function fromFramework(thrown: FastifyError): EncoderError {
  if (thrown instanceof EncoderError) return thrown;
  const known = frameworkErrors[thrown.code];
  if (known) return new EncoderError(known.code, known.message, { cause: thrown });
  const { statusCode = 500 } = thrown;
  if (statusCode < 500) return new EncoderError("INVALID_REQUEST", "The request is malformed.", { cause: thrown });
  return toEncoderError(thrown);
}
