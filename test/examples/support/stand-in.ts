import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Asked {
  /** `POST /path`, without the query. */
  route: string;
  query: URLSearchParams;
  /** The text of the body, which may be several lines of JSON. */
  body: string;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  /** A string is sent as plain text, and anything else as JSON. */
  body?: unknown;
}

/** A picture as a stand-in of a database keeps it. */
export interface Row {
  path: string;
  vector: number[];
}

/** Runs an HTTP server on loopback until the test ends, and gives its URL. What `answer` throws is answered 500. */
export async function startStandIn(answer: (asked: Asked) => Answer): Promise<string> {
  const server = createServer(async (request, response) => {
    request.setEncoding("utf8");
    let body = "";
    for await (const text of request) body += text;
    const { pathname, searchParams } = new URL(request.url!, "http://stand-in");
    let reply: Answer;
    try {
      reply = answer({ route: `${request.method} ${pathname}`, query: searchParams, body });
    } catch (error) {
      reply = { status: 500, body: { error: String(error) } };
    }
    const isText = typeof reply.body === "string";
    const type = isText ? "text/plain" : "application/json";
    response.writeHead(reply.status ?? 200, { "content-type": type, ...reply.headers });
    response.end(isText ? reply.body : JSON.stringify(reply.body));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // It is one, since the server listens on a port.
  return `http://127.0.0.1:${port}`;
}

/** Gives the five rows with the largest cosines, best first; all vectors have unit length. */
export function nearest(rows: Iterable<Row>, vector: number[]): (Row & { cosine: number })[] {
  const cosine = (row: Row) => row.vector.reduce((sum, value, i) => sum + value * vector[i]!, 0);
  const scored = [...rows].map((row) => ({ ...row, cosine: cosine(row) }));
  return scored.sort((a, b) => b.cosine - a.cosine).slice(0, 5);
}

export const jsonLines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
