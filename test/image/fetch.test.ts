import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { connect, createServer as createTcpServer } from "node:net";
import { resolve as resolvePath } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { serviceConfig } from "../../src/config/service.ts";
import { createImageFetcher, type FetchOptions } from "../../src/image/fetch.ts";
import { fetcherOfBytes, listen, serve } from "../support/loopback.ts";

const config = serviceConfig({
  fetchTimeoutMs: 1500,
  fetchConnectTimeoutMs: 500,
  fetchIdleTimeoutMs: 400,
  maxImageBytes: 10_000,
});
const fetcher = (options: Partial<FetchOptions> = {}) => fetcherOfBytes({ ...config, ...options });
/** Opened on purpose, as an operator would: this host and no other. */
const open = (options: Partial<FetchOptions> = {}) => fetcher({ urlAllowlist: ["127.0.0.1"], ...options });
const code = (expected: string) => ({ code: expected });

/** A port that never answers: its process sleeps, and there is no more room for connections that wait. */
async function fullPort(): Promise<number> {
  const program = `
    const server = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      require("fs").writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [port] = await once(child.stdout, "data");
  for (let i = 0; i < 4; i++) {
    const socket = connect(Number(port), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
  }
  return Number(port);
}

describe("a URL that is fetched", () => {
  it("gives the body's bytes", async () => {
    const { port } = await serve((_request, reply) => reply.end("picture"));
    expect(Buffer.from(await open().fetchImage(`http://127.0.0.1:${port}/x.jpg`)).toString()).toBe("picture");
  });

  it("sends path, query and host, and neither cookies nor credentials", async () => {
    let seen: unknown;
    const { port } = await serve((request, reply) => {
      seen = { url: request.url, ...request.headers };
      reply.setHeader("set-cookie", "a=b").end("picture");
    });
    const images = open();
    for (let i = 0; i < 2; i++) await images.fetchImage(`http://127.0.0.1:${port}/a%20b?c=d#e`);
    expect(seen).toMatchObject({ url: "/a%20b?c=d", host: `127.0.0.1:${port}`, accept: "image/*" });
    expect(Object.keys(seen as object)).not.toEqual(expect.arrayContaining(["cookie"]));
    expect(Object.keys(seen as object)).not.toEqual(expect.arrayContaining(["authorization"]));
  });

  it("follows redirects, relative ones too, up to the limit", async () => {
    const { port } = await serve((request, reply) => {
      const left = Number(request.url!.slice(1));
      if (left === 0) reply.end("picture");
      else reply.writeHead(302, { location: `/${left - 1}` }).end();
    });
    expect(await open().fetchImage(`http://127.0.0.1:${port}/3`)).toHaveLength(7);
    await expect(open().fetchImage(`http://127.0.0.1:${port}/4`)).rejects.toMatchObject(code("URL_TOO_MANY_REDIRECTS"));
  });

  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ])("is inflated when the server compresses without being asked: %s", async (encoding, compress) => {
    const { port } = await serve((_request, reply) =>
      reply.setHeader("content-encoding", encoding).end(compress("picture")),
    );
    expect(Buffer.from(await open().fetchImage(`http://127.0.0.1:${port}/`)).toString()).toBe("picture");
  });

  it("comes from the first of its name's addresses that answers", async () => {
    const { port } = await serve((_request, reply) => reply.end("picture"));
    const images = fetcher({ urlAllowlist: ["images.example.com"], resolve: async () => ["127.0.0.9", "127.0.0.1"] });
    expect(await images.fetchImage(`http://images.example.com:${port}/`)).toHaveLength(7);
  });
});

describe("a server that misbehaves", () => {
  it("with a status other than 200", async () => {
    const { port } = await serve((_request, reply) => reply.writeHead(404).end("not here"));
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_STATUS"));
  });

  it("with a status or a redirect whose body never ends", async () => {
    const { port } = await serve((request, reply) => {
      reply.writeHead(request.url === "/" ? 302 : 500, { location: "/failed" });
      const timer = setInterval(() => reply.write("."), 1);
      reply.on("close", () => clearInterval(timer));
    });
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_STATUS"));
  });

  it("with redirects in a circle", async () => {
    const { port, requests } = await serve((request, reply) =>
      reply.writeHead(307, { location: request.url === "/a" ? "/b" : "/a" }).end(),
    );
    await expect(open().fetchImage(`http://127.0.0.1:${port}/a`)).rejects.toMatchObject(code("URL_TOO_MANY_REDIRECTS"));
    expect(requests()).toBe(1 + config.maxRedirects);
  });

  it("with more bytes than allowed, announced or not", async () => {
    const announced = await serve((_request, reply) =>
      reply.setHeader("content-length", 20_000).end(Buffer.alloc(20_000)),
    );
    await expect(open().fetchImage(`http://127.0.0.1:${announced.port}/`)).rejects.toMatchObject(
      code("IMAGE_TOO_LARGE"),
    );
    const endless = await serve((_request, reply) => {
      const timer = setInterval(() => reply.write(Buffer.alloc(1000)), 1);
      reply.on("close", () => clearInterval(timer));
    });
    await expect(open().fetchImage(`http://127.0.0.1:${endless.port}/`)).rejects.toMatchObject(code("IMAGE_TOO_LARGE"));
  });

  it("with a body that inflates beyond the limit", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const { port } = await serve((_request, reply) => reply.setHeader("content-encoding", "gzip").end(bomb));
    const images = open({ maxImageBytes: 1_000_000 });
    expect(bomb.length).toBeLessThan(100_000);
    await expect(images.fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("IMAGE_TOO_LARGE"));
  });

  it.each([
    ["interim answers", "HTTP/1.1 103 Early Hints\r\n\r\n"],
    [
      "chunks that are mostly packing",
      `1;${"y".repeat(100)}\r\nx\r\n`,
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
    [
      "compressed pieces of nothing",
      gzipSync("").toString("latin1"),
      "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n",
    ],
  ])("with no end of %s", async (_what, piece, head = "") => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {}).write(head);
      const timer = setInterval(() => socket.write(piece.repeat(1000), "latin1"), 1);
      socket.resume().on("close", () => clearInterval(timer));
    });
    const images = open({ fetchTimeoutMs: 60_000, fetchIdleTimeoutMs: 60_000 });
    await expect(images.fetchImage(`http://127.0.0.1:${await listen(server)}/`)).rejects.toMatchObject(
      code("IMAGE_TOO_LARGE"),
    );
  });

  it("with an encoding nobody asked for", async () => {
    const { port } = await serve((_request, reply) => reply.setHeader("content-encoding", "rot13").end("cvpgher"));
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_UNREACHABLE"));
  });

  it("with no answer at all", async () => {
    const { port } = await serve(() => {});
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_TIMEOUT"));
  });

  it("with a body that stops, or drips for ever", async () => {
    const stops = await serve((_request, reply) => reply.write("pic"));
    await expect(open().fetchImage(`http://127.0.0.1:${stops.port}/`)).rejects.toMatchObject(code("URL_TIMEOUT"));
    const drips = await serve((_request, reply) => {
      const timer = setInterval(() => reply.write("."), 100);
      reply.on("close", () => clearInterval(timer));
    });
    const images = open({ fetchTimeoutMs: 700 });
    await expect(images.fetchImage(`http://127.0.0.1:${drips.port}/`)).rejects.toMatchObject(code("URL_TIMEOUT"));
  });

  it("with a connection that breaks in the middle", async () => {
    const { port } = await serve((_request, reply) => {
      reply.setHeader("content-length", 100).write("pic");
      setTimeout(() => reply.destroy(), 20);
    });
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_UNREACHABLE"));
  });

  it("that does not speak HTTP", async () => {
    const port = await listen(createTcpServer((socket) => socket.end("220 smtp.example.com ESMTP\r\n")));
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_UNREACHABLE"));
  });

  it("that is not there", async () => {
    const { port, server } = await serve(() => {});
    server.close();
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_UNREACHABLE"));
  });

  it("with a certificate that nobody vouches for, which is asked for by name", async () => {
    const pem = readFileSync(resolvePath(import.meta.dirname, "../fixtures/tls/self-signed.pem"));
    const names: string[] = [];
    const server = createTlsServer({
      key: pem,
      cert: pem,
      SNICallback: (name, done) => {
        names.push(name);
        done(null);
      },
    });
    server.on("request", () => names.push("a request"));
    const port = await listen(server);
    const images = fetcher({ urlAllowlist: ["images.example.com"], resolve: async () => ["127.0.0.1"] });
    const result = images.fetchImage(`https://images.example.com:${port}/`);
    await expect(result).rejects.toMatchObject({
      code: "URL_UNREACHABLE",
      internal: expect.stringContaining("SELF_SIGNED"),
    });
    expect(names).toEqual(["images.example.com"]);
  });

  it("that speaks TLS badly", async () => {
    const { port } = await serve((_request, reply) => reply.end("plain"));
    await expect(open().fetchImage(`https://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_UNREACHABLE"));
  });
});

describe("a caller that goes away", () => {
  it("ends the connection", async () => {
    let closed: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { port } = await serve((_request, reply) => {
      reply.write("pic");
      reply.on("close", closed);
    });
    const caller = new AbortController();
    const result = open().fetchImage(`http://127.0.0.1:${port}/`, { signal: caller.signal });
    setTimeout(() => caller.abort(new Error("gone")), 50);
    await expect(result).rejects.toThrow("gone");
    await ended;
  });

  it.each(["http", "https"])(
    "is heard while the connection to %s is not there yet, and so is the deadline",
    async (scheme) => {
      const url = `${scheme}://127.0.0.1:${await fullPort()}/`;
      const caller = new AbortController();
      const result = open({ fetchConnectTimeoutMs: 60_000 }).fetchImage(url, { signal: caller.signal });
      setTimeout(() => caller.abort(new Error("gone")), 50);
      await expect(result).rejects.toThrow("gone");
      const late = open({ fetchConnectTimeoutMs: 60_000, fetchTimeoutMs: 100 }).fetchImage(url);
      await expect(late).rejects.toMatchObject(code("URL_TIMEOUT"));
    },
  );

  it("before anything began takes no place in the queue", async () => {
    const { port, requests } = await serve((_request, reply) => setTimeout(() => reply.end("picture"), 100));
    const images = open({ fetchConcurrency: 1, maxFetchQueue: 1 });
    const url = `http://127.0.0.1:${port}/`;
    const first = images.fetchImage(url);
    const signal = AbortSignal.abort(new Error("gone"));
    const gone = expect(images.fetchImage(url, { signal })).rejects.toThrow("gone");
    const second = images.fetchImage(url); // would be refused, had the one before it taken the only place
    expect(await Promise.all([first, second, gone])).toHaveLength(3);
    expect(requests()).toBe(2);
  });

  it("gives up its place in the queue, which has an end", async () => {
    const { port, requests } = await serve((_request, reply) => setTimeout(() => reply.end("picture"), 100));
    const images = open({ fetchConcurrency: 1, maxFetchQueue: 1 });
    const url = `http://127.0.0.1:${port}/`;
    const first = images.fetchImage(url);
    const caller = new AbortController();
    const second = images.fetchImage(url, { signal: caller.signal });
    await expect(images.fetchImage(url)).rejects.toMatchObject(code("OVERLOADED"));
    caller.abort(new Error("gone"));
    await expect(second).rejects.toThrow("gone");
    const third = images.fetchImage(url);
    expect(await first).toHaveLength(7);
    expect(await third).toHaveLength(7);
    expect(requests()).toBe(2);
  });
});

describe("images that were fetched", () => {
  it("hold up other fetches while they take too much memory", async () => {
    const { port, requests } = await serve((_request, reply) => reply.end(Buffer.alloc(600)));
    const images = createImageFetcher({ ...config, urlAllowlist: ["127.0.0.1"], maxFetchedBytes: 1000 });
    const url = `http://127.0.0.1:${port}/`;
    const held = [await images.fetchImage(url), await images.fetchImage(url)];
    const caller = new AbortController();
    const gone = images.fetchImage(url, { signal: caller.signal });
    const third = images.fetchImage(url);
    caller.abort(new Error("gone"));
    await expect(gone).rejects.toThrow("gone");
    await sleep(100); // time enough for a request that should not come
    expect(requests()).toBe(2);
    held[0]!.release();
    expect((await third).bytes).toHaveLength(600);
    expect(requests()).toBe(3);
  });

  it("hold up nobody when they failed", async () => {
    const { port } = await serve((_request, reply) => reply.writeHead(404).end(Buffer.alloc(600)));
    const images = createImageFetcher({
      ...config,
      urlAllowlist: ["127.0.0.1"],
      maxFetchedBytes: 1,
      fetchConcurrency: 1,
    });
    for (let i = 0; i < 3; i++) {
      await expect(images.fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_STATUS"));
    }
  });
});
