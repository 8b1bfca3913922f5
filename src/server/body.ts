import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { EncoderError } from "../errors.ts";
import { JsonGuard } from "./json-guard.ts";

/**
 * Of a body, how much is copied, parsed or decoded between two turns of the event loop: some 10 ms each. Where a step
 * cannot be divided, the next one at least waits for its own turn.
 */
export const bytesPerTurn = 4 * 1024 * 1024;

/** Reads request bodies. Their time to arrive is bounded by the HTTP server (BODY_TIMEOUT_MS). */
export type ReadBody = (
  request: FastifyRequest,
  payload: Readable,
  inspect?: (chunk: Buffer) => void,
) => Promise<Buffer>;

/** JSON for every route, in place of fastify's parser; other types are read by the routes that take them. */
export function readJsonBodies(
  app: FastifyInstance,
  { maxBodyBytes, maxBatchItems }: { maxBodyBytes: number; maxBatchItems: number },
): void {
  const readBody = bodyReader(maxBodyBytes, bodyTooLarge);
  // The largest item is a conversation with a system prompt, an image and empty text: some 40 values.
  const maxValues = 1024 + 48 * maxBatchItems;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", async (request: FastifyRequest, payload: Readable) => {
    const guard = new JsonGuard({ maxValues });
    const body = await readBody(request, payload, (chunk) => guard.inspect(chunk));
    const isLarge = body.length >= bytesPerTurn;
    if (isLarge) await app.ownTurn();
    const text = body.toString("utf8");
    if (isLarge) await app.ownTurn();
    return parseJson(text);
  });
}

export function bodyReader(maxBytes: number, tooLarge: (maxBytes: number) => EncoderError): ReadBody {
  return (request, payload, inspect = () => {}) => {
    const { "content-encoding": content = "identity", "transfer-encoding": transfer = "chunked" } = request.headers;
    if (content.toLowerCase() !== "identity" || transfer.toLowerCase() !== "chunked") {
      throw new EncoderError("UNSUPPORTED_MEDIA_TYPE", "Compressed request bodies are not read; send it as it is.");
    }
    const declared = Number(request.headers["content-length"] ?? 0);
    if (declared > maxBytes) throw tooLarge(maxBytes);
    const chunks: Buffer[] = [];
    let bytes = 0;
    return new Promise((resolve, reject) => {
      const onData = (chunk: Buffer) => {
        try {
          bytes += chunk.length;
          if (bytes > maxBytes) throw tooLarge(maxBytes);
          request.admission?.take(chunk.length);
          inspect(chunk);
          chunks.push(chunk);
        } catch (error) {
          stop();
          chunks.length = 0;
          payload.resume(); // the rest is discarded: a client that still sends would not read the answer
          reject(error);
        }
      };
      const onEnd = () => {
        stop();
        resolve(Buffer.concat(chunks, bytes));
      };
      const onBroken = () => {
        stop();
        reject(new EncoderError("CLIENT_CLOSED", "The connection ended before the request's body did."));
      };
      const stop = () => payload.off("data", onData).off("end", onEnd).off("error", onBroken).off("close", onBroken);
      payload.on("data", onData).on("end", onEnd).on("error", onBroken).on("close", onBroken);
    });
  };
}

export function bodyTooLarge(maxBytes: number): EncoderError {
  return new EncoderError("BODY_TOO_LARGE", `The request body is larger than ${maxBytes} bytes (MAX_BODY_BYTES).`);
}

function parseJson(text: string): unknown {
  if (text === "") throw new EncoderError("INVALID_JSON", "The request body is empty; it must be JSON.");
  try {
    return JSON.parse(text);
  } catch (cause) {
    // V8's message quotes the body, which is no business of logs: only its position is taken.
    const position = /at position (\d+)/.exec(cause instanceof Error ? cause.message : "")?.[1];
    const where = position === undefined ? "" : ` (at position ${position})`;
    throw new EncoderError("INVALID_JSON", `The request body is not valid JSON${where}.`);
  }
}
