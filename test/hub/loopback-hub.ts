import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Says what is wrong with one answer; without a fault it is what the real Hub would send. */
export type Fault =
  | { kind: "status"; status: number; headers?: Record<string, string> }
  /** The connection breaks after so many bytes of the body. */
  | { kind: "cut"; afterBytes: number; ignoreRange?: boolean }
  /** 200 and the whole file, whatever range was asked for. */
  | { kind: "ignore-range" }
  /** The answer is 206, but of another range than was asked for. */
  | { kind: "wrong-range" }
  /** One byte of the body is another. */
  | { kind: "corrupt" }
  /** More bytes are sent than were announced. */
  | { kind: "too-long" }
  | { kind: "slow"; pieceBytes: number; everyMs: number }
  /** Counts the bytes of the body that come before silence. */
  | { kind: "stall"; afterBytes: number; onSilence?(): void }
  | { kind: "headers"; headers: Record<string, string> };

export interface HubRequest {
  /** Tells whether the Hub itself or the storage on another host was asked. */
  host: "hub" | "storage";
  method: string;
  repository: string;
  path: string;
  firstByte: number;
  authorization: string | undefined;
}

export interface LoopbackHub {
  endpoint: string;
  requests: HubRequest[];
  /** Asked before each answer. */
  fault: (request: HubRequest) => Fault | undefined;
  /**
   * Awaited before a "cut" breaks the connection: a break drops what the client has received and not yet read, so that a
   * test which needs those bytes has to wait until the client has stored them.
   */
  beforeBreak: (request: HubRequest, sentBytes: number) => Promise<void>;
  close(): Promise<void>;
}

export interface LoopbackRepository {
  directory: string;
  /** By default, it is made of the repository's name. */
  commit?: string;
  /** Other names of its commit, besides `main`. */
  revisions?: string[];
  /** Needs this token. */
  token?: string;
  gated?: boolean;
}

export const commitOf = (repository: string) => createHash("sha1").update(repository).digest("hex");
export const sha256Of = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/**
 * Serves the Hub's file routes on loopback: HEAD with the commit, ETag and size of the file, large files by redirect to
 * a storage on another host that knows ranges, small ones directly, and its error codes.
 */
export async function startLoopbackHub(repositories: Record<string, LoopbackRepository>): Promise<LoopbackHub> {
  const listen = async (host: "hub" | "storage", address: string) => {
    const server = createServer((request, response) => {
      answer(host, request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    return { server, origin: `http://${address}:${(server.address() as AddressInfo).port}` }; // listens on TCP
  };
  const hubServer = await listen("hub", "127.0.0.1");
  const storage = await listen("storage", "127.0.0.2");
  const hub: LoopbackHub = {
    endpoint: hubServer.origin,
    requests: [],
    fault: () => undefined,
    beforeBreak: async () => undefined,
    async close() {
      for (const { server } of [hubServer, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };

  async function answer(host: "hub" | "storage", request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url ?? "/", "http://loopback");
    const {
      repository = "",
      revision = "",
      path = "",
    } = /^\/(?<repository>.+?)\/resolve\/(?<revision>[^/]+)\/(?<path>.+)$/.exec(url.pathname)?.groups ?? {};
    const asked: HubRequest = {
      host,
      method: request.method ?? "",
      repository,
      path,
      firstByte: Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0),
      authorization: request.headers.authorization,
    };
    hub.requests.push(asked);
    const fault = hub.fault(asked);
    if (fault?.kind === "status") return end(response, fault.status, fault.headers);

    const found = repositories[repository];
    if (!found) return end(response, asked.authorization ? 404 : 401, { "x-error-code": "RepoNotFound" });
    if (host === "hub" && found.token !== undefined && asked.authorization !== `Bearer ${found.token}`) {
      return end(response, asked.authorization ? 403 : 401, {
        "x-error-code": found.gated ? "GatedRepo" : "RepoNotFound",
      });
    }
    const commit = found.commit ?? commitOf(repository);
    if (![commit, "main", ...(found.revisions ?? [])].includes(decodeURIComponent(revision))) {
      return end(response, 404, { "x-error-code": "RevisionNotFound" });
    }
    const file = join(found.directory, decodeURIComponent(path));
    if (!existsSync(file)) return end(response, 404, { "x-error-code": "EntryNotFound", "x-repo-commit": commit });
    const bytes = readFileSync(file);
    const isLarge = /\.safetensors$|tokenizer\.json$/.test(path);
    const faulty = fault?.kind === "headers" ? fault.headers : {};
    if (host === "hub" && isLarge) {
      const facts = { "x-repo-commit": commit, "x-linked-etag": `"${sha256Of(bytes)}"`, "x-linked-size": bytes.length };
      const elsewhere = { location: `${storage.origin}${request.url}`, etag: '"of-the-redirect"' };
      return end(response, 302, { ...facts, ...elsewhere, ...faulty });
    }
    const etag = isLarge
      ? "multipart-7"
      : createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
    const headers = { "x-repo-commit": commit, etag: `"${etag}"`, ...faulty };
    await send({ asked, response, bytes, fault, headers, beforeBreak: hub.beforeBreak });
  }
  return hub;
}

function end(response: ServerResponse, status: number, headers: Record<string, string | number> = {}) {
  response.writeHead(status, headers).end();
}

interface Sending {
  asked: HubRequest;
  response: ServerResponse;
  bytes: Buffer;
  fault: Fault | undefined;
  headers: Record<string, string>;
  beforeBreak: LoopbackHub["beforeBreak"];
}

async function send({ asked, response, bytes, fault, headers, beforeBreak }: Sending) {
  const ignoresRange = fault?.kind === "ignore-range" || (fault?.kind === "cut" && fault.ignoreRange);
  const wanted = ignoresRange ? 0 : asked.firstByte;
  if (wanted >= bytes.length) return end(response, 416);
  const first = fault?.kind === "wrong-range" ? Math.max(0, wanted - 1) : wanted;
  const body = Buffer.from(bytes.subarray(first));
  if (fault?.kind === "corrupt") body[body.length >> 1]! ^= 1;
  const range = wanted > 0 ? { "content-range": `bytes ${first}-${bytes.length - 1}/${bytes.length}` } : {};
  const length = fault?.kind === "too-long" ? {} : { "content-length": body.length };
  response.writeHead(wanted > 0 ? 206 : 200, { ...length, ...range, ...headers });
  if (asked.method === "HEAD") return response.end();
  switch (fault?.kind) {
    case "cut":
      await new Promise((resolve) => response.write(body.subarray(0, fault.afterBytes), resolve));
      await beforeBreak(asked, fault.afterBytes);
      response.destroy();
      return;
    case "stall":
      response.write(body.subarray(0, fault.afterBytes), () => fault.onSilence?.());
      return;
    case "too-long":
      response.write(body);
      response.end("and more");
      return;
    case "slow":
      for (let at = 0; at < body.length && !response.destroyed; at += fault.pieceBytes) {
        response.write(body.subarray(at, at + fault.pieceBytes));
        await sleep(fault.everyMs);
      }
      response.end();
      return;
    default:
      response.end(body);
  }
}
