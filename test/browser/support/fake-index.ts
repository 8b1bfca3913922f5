import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { drawing } from "./pictures.ts";

/** How many pictures the index says it has. */
export const indexedCount = 12_345;

export interface FakeService {
  url: string;
  /** The bodies of POST /search, in order. */
  searches: { text?: string; image_b64?: string; query?: object[]; limit: number; offset: number }[];
  stop(): void;
}

/**
 * Stands before a real service and adds what `serve --index` adds to it: POST /search, GET /index, GET /index/sample and
 * GET /pictures/:id, with answers of the specified shapes. Everything else goes to the service.
 */
export async function startFakeIndex(serviceUrl: string): Promise<FakeService> {
  const searches: FakeService["searches"] = [];
  const answer = async (incoming: IncomingMessage, reply: ServerResponse) => {
    const path = incoming.url!.split("?")[0]!;
    if (path === "/index") return sendJson(reply, indexInfo);
    if (path === "/search") return sendJson(reply, searchReply(searches, JSON.parse(String(await bodyOf(incoming)))));
    if (path.startsWith("/pictures/")) return void reply.setHeader("content-type", "image/webp").end(picture);
    if (path === "/index/sample") return sendJson(reply, sampleReply(new URL(incoming.url!, serviceUrl)));
    forward(serviceUrl, incoming, reply);
  };
  const server = createServer((incoming, reply) => void answer(incoming, reply));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has no pipe's name
  return {
    url: `http://127.0.0.1:${port}/`,
    searches,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const picture = drawing("penguin").bytes;
const indexInfo = {
  ...{ success: true, model: "everyday-mini", precision: "fp32", dimensions: 512, count: indexedCount },
  ...{ columns: [], updated_at: "2026-01-01T00:00:00Z" },
};

/** Gives as many pictures as are asked for, each in a direction of its own. */
function sampleReply({ searchParams }: URL): object {
  const pictures = Array.from({ length: Number(searchParams.get("limit")) }, (_, at) => {
    const vector = Float32Array.from({ length: 512 }, (_, axis) => (axis === at % 512 ? 1 : 0));
    const embedding = Buffer.from(vector.buffer).toString("base64");
    return { id: `id-${at}`, path: `holidays/2025/IMG_${at}.jpg`, columns: {}, embedding };
  });
  return { success: true, count: indexedCount, pictures };
}

function searchReply(searches: FakeService["searches"], asked: FakeService["searches"][number]): object {
  searches.push(asked);
  const results = Array.from({ length: asked.limit }, (_, at) => {
    const place = asked.offset + at;
    return { id: `id-${place}`, score: 0.4 - place / 10_000, path: `holidays/2025/IMG_${place}.jpg`, columns: {} };
  });
  return { success: true, results };
}

function sendJson(reply: ServerResponse, value: object): void {
  reply.setHeader("content-type", "application/json").end(JSON.stringify(value));
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  return Buffer.concat(parts);
}

function forward(serviceUrl: string, incoming: IncomingMessage, reply: ServerResponse): void {
  const { method, headers, url } = incoming;
  const outgoing = request(new URL(url!, serviceUrl), {
    method,
    headers: { ...headers, "accept-encoding": "identity" },
  });
  outgoing.on("response", async (response) => {
    if (url === "/info") {
      const info = JSON.parse(String(await bodyOf(response)));
      return sendJson(reply, { ...info, features: { ...info.features, index: true } });
    }
    reply.writeHead(response.statusCode!, response.headers);
    response.pipe(reply);
  });
  outgoing.on("error", () => reply.destroy());
  incoming.pipe(outgoing);
}
