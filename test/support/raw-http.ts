import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface RawReply {
  status: number;
  headers: Map<string, string>;
  body: string;
}

export interface RawConnection {
  socket: Socket;
  /** Waits while the server's side is full. */
  send(bytes: string | Uint8Array): Promise<void>;
  /** Gives the next reply in order of arrival, or undefined once the server has closed the connection. */
  reply(): Promise<RawReply | undefined>;
  closed: Promise<void>;
}

/** Opens a connection that sends exactly what it is told, also what no HTTP client would send. */
export function rawConnection(port: number): RawConnection {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let received = Buffer.alloc(0);
  const arrived: Buffer[] = [];
  let wake = () => {};
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      resolve();
      wake();
    });
  });
  socket.on("error", () => {}); // the "close" event follows
  socket.on("data", (data: Buffer) => {
    arrived.push(data);
    wake();
  });
  return {
    socket,
    closed,
    send: (bytes) =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve();
        socket.write(bytes, () => resolve()); // the callback gets an error if the connection ends before
      }),
    async reply() {
      for (;;) {
        received = Buffer.concat([received, ...arrived.splice(0)]);
        const parsed = parseReply(received);
        if (parsed) {
          received = received.subarray(parsed.length);
          return parsed.reply;
        }
        if (socket.destroyed) return undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** Parses one reply and its length, if it has arrived whole. The body has a known length or comes in chunks. */
function parseReply(received: Buffer): { reply: RawReply; length: number } | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const [statusLine = "", ...lines] = received.toString("latin1", 0, headEnd).split("\r\n");
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const start = headEnd + 4;
  const status = Number(statusLine.split(" ")[1]);
  const chunkedEnd = received.indexOf("0\r\n\r\n", start);
  const isChunked = headers.get("transfer-encoding") === "chunked";
  const end = isChunked ? chunkedEnd + 5 : start + Number(headers.get("content-length") ?? 0);
  if (received.length < end || (isChunked && chunkedEnd === -1)) return undefined;
  return { reply: { status, headers, body: received.toString("utf8", start, end) }, length: end };
}

/** Writes a POST of JSON, with a truthful content-length unless the headers say otherwise. */
export function jsonPost(path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Buffer {
  const bytes = Buffer.from(body);
  const all = { host: "x", "content-type": "application/json", "content-length": String(bytes.length), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), bytes]);
}
