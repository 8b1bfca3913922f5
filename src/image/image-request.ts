import { isUtf8 } from "node:buffer";
import { isIP, type Socket } from "node:net";
import type { buildConnector, Dispatcher } from "undici";
import { EncoderError } from "../errors.ts";
import { withoutCodings } from "./content-coding.ts";

export interface ImageRequest {
  url: URL;
  /** Checked addresses of the URL's host: the connection goes to one of these and to no other. */
  addresses: readonly string[];
  headers: Record<string, string>;
  maxImageBytes: number;
  fetchConnectTimeoutMs: number;
  fetchIdleTimeoutMs: number;
  signal: AbortSignal;
}

/** Some sites send long policies and cookies in headers, of which browsers take 250 KiB and more. */
const maxHeaderBytes = 64 * 1024;

/** Makes one request on a connection of its own, and gives the body, or where it redirects to. */
export async function requestImage(request: ImageRequest): Promise<Uint8Array | { location: string }> {
  const { url, headers, maxImageBytes, fetchIdleTimeoutMs, signal } = request;
  const { buildConnector, Client } = await import("undici"); // 5 MiB, which few services ever need
  const client = new Client(url.origin, {
    connect: guardedConnector(request, buildConnector),
    headersTimeout: fetchIdleTimeoutMs,
    bodyTimeout: fetchIdleTimeoutMs,
    maxHeaderSize: maxHeaderBytes,
    pipelining: 1,
  });
  try {
    const path = `${url.pathname}${url.search}`;
    const reply = await client.request({ method: "GET", path, headers, signal });
    const { location } = reply.headers;
    if ([301, 302, 303, 307, 308].includes(reply.statusCode) && typeof location === "string") {
      return { location: asText(location) };
    }
    if (reply.statusCode !== 200) throw new StatusError(reply.statusCode);
    return await readBody(reply, maxImageBytes);
  } finally {
    await client.destroy();
  }
}

/** The server's answer was another than 200. */
export class StatusError extends EncoderError {
  readonly answered: number;

  constructor(answered: number) {
    const isRefusal = answered === 401 || answered === 403;
    const remedy = isRefusal ? "; its site may want to know who asks (FETCH_USER_AGENT, FETCH_HEADERS)" : "";
    super("URL_STATUS", `The image URL answered with status ${answered}, not 200${remedy}.`);
    this.answered = answered;
  }
}

function guardedConnector(request: ImageRequest, build: typeof buildConnector): buildConnector.connector {
  const { addresses, fetchConnectTimeoutMs, maxImageBytes, signal } = request;
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  const connect = build({
    signal, // the request's own signal is only heard once there is a connection
    timeout: fetchConnectTimeoutMs,
    // The addresses are tried in turn. A literal one is not looked up. The name stays in Host and certificate check.
    lookup: (_host, _options, done) => done(null, found),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.ceil(fetchConnectTimeoutMs / addresses.length),
  });
  return (target, done) =>
    connect(target, (...result) => {
      const [, socket] = result;
      if (socket) limitTraffic(socket, maxImageBytes);
      done(...result);
    });
}

/** Ends a connection that brings more than an image and its packing: endless headers, interim answers, tiny chunks. */
function limitTraffic(socket: Socket, maxImageBytes: number): void {
  const most = 2 * maxImageBytes + maxHeaderBytes;
  socket.on("readable", () => {
    if (socket.bytesRead > most) socket.destroy(tooLarge(maxImageBytes));
  });
}

/** A header's bytes stand for themselves in a string; where they are UTF-8, as browsers take it, they are text. */
function asText(header: string): string {
  const bytes = Buffer.from(header, "latin1");
  return bytes.toString("latin1") === header && isUtf8(bytes) ? bytes.toString("utf8") : header;
}

/** Reads the bytes after inflation, and counts them as they come. */
async function readBody({ headers, body }: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  if (Number(headers["content-length"]) > maxBytes) throw tooLarge(maxBytes);
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of await withoutCodings(body, headers["content-encoding"])) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    kept.push(chunk);
  }
  return Buffer.concat(kept);
}

function tooLarge(maxBytes: number): EncoderError {
  return new EncoderError("IMAGE_TOO_LARGE", `Expected at most ${maxBytes} bytes at the image URL, received more.`);
}
