import { isUtf8 } from "node:buffer";
import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { EncoderError, unauthorized } from "../errors.ts";
import { JsonGuard } from "./json-guard.ts";
import { takeOut } from "./long-strings.ts";
import { bytesPerTurn, turnBudget } from "./turns.ts";
import { decodeWindows1252 } from "./windows-1252.ts";

/** What a stranger may send before the key in the body is seen. */
const maxKeylessBytes = 64 * 1024;

/** Reads request bodies. Their time to arrive is bounded by the HTTP server (BODY_TIMEOUT_MS). */
export type ReadBody = (
  request: FastifyRequest,
  payload: Readable,
  inspect?: (chunk: Buffer) => void,
) => Promise<Buffer>;

/** Reads JSON for every route, in place of fastify's parser; other types are read by the routes that take them. */
export function readJsonBodies(
  app: FastifyInstance,
  { maxBodyBytes, maxBatchItems }: { maxBodyBytes: number; maxBatchItems: number },
): void {
  const readBody = bodyReader(maxBodyBytes, bodyTooLarge);
  // The largest item is a conversation with a system prompt, an image and empty text: some 40 values.
  const maxValues = 1024 + 48 * maxBatchItems;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", async (request: FastifyRequest, payload: Readable) => {
    const charset = charsetOf(request.headers["content-type"]!);
    const guard = new JsonGuard({ maxValues });
    const body = await readBody(request, payload, (chunk) => charset === "utf-16" || guard.inspect(chunk));
    const isLarge = body.length >= bytesPerTurn;
    if (isLarge) await app.ownTurn();
    const nextTurn = () => app.ownTurn();
    const isTakenApart = charset === "utf-8" && guard.longStrings.length > 0;
    const { rest, restore } = isTakenApart
      ? await takeOut(body, { longStrings: guard.longStrings, nextTurn })
      : { rest: body, restore: (value: unknown) => value };
    const text = decodeText(rest, charset);
    if (charset === "utf-16") guard.inspect(Buffer.from(text)); // Half of one of its characters may look like a quote.
    if (rest.length >= bytesPerTurn) await app.ownTurn();
    const textOfAll = () => (isLarge ? "" : decodeText(body, charset));
    return restore(parseJson(text, isTakenApart ? textOfAll : undefined));
  });
}

/** JSON is read in these; in the first two, ASCII's characters are single bytes. */
type Charset = "utf-8" | "windows-1252" | "utf-16";

/** Clients give them these names. What the web calls ISO 8859-1 is windows-1252. */
const charsets: Record<string, Charset> = {
  ...{ "utf-8": "utf-8", utf8: "utf-8", "us-ascii": "utf-8", ascii: "utf-8" },
  ...{ "iso-8859-1": "windows-1252", latin1: "windows-1252", "windows-1252": "windows-1252", cp1252: "windows-1252" },
  ...{ "utf-16": "utf-16", "utf-16le": "utf-16", "utf-16be": "utf-16" },
};

/** @throws EncoderError UNSUPPORTED_MEDIA_TYPE */
function charsetOf(contentType: string): Charset {
  const name = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? "utf-8";
  const charset = charsets[name.toLowerCase()];
  if (charset) return charset;
  const message = `JSON is not read in the charset ${JSON.stringify(name.slice(0, 40))}; send it as UTF-8.`;
  throw new EncoderError("UNSUPPORTED_MEDIA_TYPE", message);
}

/**
 * Decodes a body's text, without a byte order mark. Bytes that the charset does not have are refused: the vector of a
 * text with replacement characters would be that of another text.
 * @throws EncoderError INVALID_JSON
 */
function decodeText(body: Buffer, charset: Charset): string {
  if (charset === "utf-8") {
    if (!isUtf8(body)) throw notIn("UTF-8, and its content type names no other charset (such as iso-8859-1)");
    const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
    return body.toString("utf8", hasMark ? 3 : 0);
  }
  if (charset === "windows-1252") return decodeWindows1252(body);
  const isBigEndian = body[0] === 0xfe && body[1] === 0xff;
  if (!isBigEndian && !(body[0] === 0xff && body[1] === 0xfe)) throw notIn("UTF-16 with a byte order mark");
  try {
    return new TextDecoder(isBigEndian ? "utf-16be" : "utf-16le", { fatal: true }).decode(body);
  } catch {
    throw notIn("UTF-16");
  }
}

function notIn(charset: string): EncoderError {
  return new EncoderError("INVALID_JSON", `The request body is not ${charset}.`);
}

export function bodyReader(maxBytes: number, tooLarge: (maxBytes: number) => EncoderError): ReadBody {
  return async (request, payload, inspect = () => {}) => {
    const checkSize = (bytes: number) => {
      if (request.awaitsKey && bytes > maxKeylessBytes) throw unauthorized();
      if (bytes > maxBytes) throw tooLarge(maxBytes);
    };
    const { "content-encoding": content = "identity", "transfer-encoding": transfer = "chunked" } = request.headers;
    if (!["", "identity"].includes(content.trim().toLowerCase()) || transfer.toLowerCase() !== "chunked") {
      throw new EncoderError("UNSUPPORTED_MEDIA_TYPE", "Compressed request bodies are not read; send it as it is.");
    }
    checkSize(Number(request.headers["content-length"] ?? 0));
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of payload.iterator({ destroyOnReturn: false })) {
        bytes += chunk.length;
        checkSize(bytes);
        request.admission?.take(chunk.length);
        inspect(chunk);
        chunks.push(chunk);
      }
    } catch (error) {
      payload.resume(); // the rest is discarded: a client that still sends would not read the answer
      if (error instanceof EncoderError || !payload.destroyed) throw error;
      throw new EncoderError("CLIENT_CLOSED", "The connection ended before the request's body did.");
    }
    return joined(chunks, { bytes, nextTurn: () => request.server.ownTurn() });
  };
}

/** Joins chunks, some of them in each turn of the event loop: memory that is new costs 3 ms for 4 MB. */
async function joined(
  chunks: readonly Buffer[],
  { bytes, nextTurn }: { bytes: number; nextTurn: () => Promise<void> },
): Promise<Buffer> {
  if (bytes < bytesPerTurn) return Buffer.concat(chunks, bytes);
  const whole = Buffer.allocUnsafe(bytes);
  const spend = turnBudget(nextTurn);
  let at = 0;
  for (const chunk of chunks) {
    chunk.copy(whole, at);
    at += chunk.length;
    await spend(chunk.length);
  }
  return whole;
}

export function bodyTooLarge(maxBytes: number): EncoderError {
  return new EncoderError("BODY_TOO_LARGE", `The request body is larger than ${maxBytes} bytes (MAX_BODY_BYTES).`);
}

/** @param textOfAll gives what a fault's position is told in, where the text is a part of it */
function parseJson(text: string, textOfAll?: () => string): unknown {
  if (text === "") throw new EncoderError("INVALID_JSON", "The request body is empty; it must be JSON.");
  try {
    return JSON.parse(text);
  } catch (fault) {
    const place = placeOf(textOfAll ? faultIn(textOfAll()) : fault);
    throw new EncoderError("INVALID_JSON", `The request body is not valid JSON${place}.`);
  }
}

function faultIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (fault) {
    return fault;
  }
}

/** V8's message quotes the body, which is no business of logs: only its position is taken. */
function placeOf(fault: unknown): string {
  const position = /at position (\d+)/.exec(fault instanceof Error ? fault.message : "")?.[1];
  return position === undefined ? "" : ` (at position ${position})`;
}
