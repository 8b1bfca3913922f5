import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { EncoderError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { nativeAnswer } from "./error-reply.ts";

/** Answers what never became a request: malformed HTTP, headers that are too large, requests that trickle in. */
export function answerMalformed(metrics: Metrics): (error: NodeJS.ErrnoException, socket: Socket) => void {
  return (error, socket) => {
    // Node keeps the response in progress in this private field; in the middle of it nothing else may be written.
    const { _httpMessage: response } = socket as Socket & { _httpMessage?: { headersSent: boolean } | null };
    if (error.code === "ECONNRESET" || !socket.writable || response?.headersSent) {
      socket.destroy();
      return;
    }
    const answer = malformedError(error.code);
    metrics.errors.inc({ code: answer.code });
    const body = JSON.stringify(nativeAnswer(answer).body);
    socket.write(
      `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\nconnection: close\r\n` +
        `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    socket.destroySoon();
  };
}

function malformedError(code: string | undefined): EncoderError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new EncoderError("REQUEST_TIMEOUT", "The request did not arrive in time.");
  }
  if (code === "HPE_HEADER_OVERFLOW") return new EncoderError("HEADERS_TOO_LARGE", "The headers are too large.");
  return new EncoderError("INVALID_REQUEST", "This is not a valid HTTP request.");
}
