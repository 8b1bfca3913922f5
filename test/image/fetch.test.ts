import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { connect, createServer as createTcpServer } from "node:net";
import { resolve as resolvePath } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createImageFetcher, type FetchOptions } from "../../src/image/fetch.ts";
import { fetcherOfBytes, listen, serve } from "../support/loopback.ts";

/** Long enough for the slowest machine. */
const patient = { fetchTimeoutMs: 60_000, fetchConnectTimeoutMs: 60_000, fetchIdleTimeoutMs: 60_000 };
const config = settingsWith(serviceSettings, { ...patient, maxImageBytes: 10_000 });
const fetcher = (options: Partial<FetchOptions> = {}) => fetcherOfBytes({ ...config, ...options });
/** Makes a fetcher that is opened on purpose, as an operator would: to this host and no other. */
const open = (options: Partial<FetchOptions> = {}) => fetcher({ urlAllowlist: ["127.0.0.1"], ...options });
const code = (expected: string) => ({ code: expected });

/** Finds a port that never answers: its process sleeps, and there is no more room for connections that wait. */
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
    expect(await open().fetchImage(`http://127.0.0.1:${port}/5`)).toHaveLength(7);
    await expect(open().fetchImage(`http://127.0.0.1:${port}/6`)).rejects.toMatchObject(code("URL_TOO_MANY_REDIRECTS"));
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

  it.each([
    ["deflate without zlib's header", "deflate", deflateRawSync("picture")],
    ["gzip in gzip", "gzip, gzip", gzipSync(gzipSync("picture"))],
    ["br in deflate", "br, deflate", deflateRawSync(brotliCompressSync("picture"))],
  ])("is inflated as browsers do it: %s", async (_what, encoding, body) => {
    const { port } = await serve((_request, reply) => reply.setHeader("content-encoding", encoding).end(body));
    expect(Buffer.from(await open().fetchImage(`http://127.0.0.1:${port}/`)).toString()).toBe("picture");
  });

  it.each(["", "base64", "utf-8", "aws-chunked", "none", "binary", "identity", "rot13", "gzip, rot13", "zstd"])(
    "is taken as it comes under a content encoding that nobody knows: %j",
    async (encoding) => {
      const { port } = await serve((_request, reply) => reply.setHeader("content-encoding", encoding).end("picture"));
      expect(Buffer.from(await open().fetchImage(`http://127.0.0.1:${port}/`)).toString()).toBe("picture");
    },
  );

  it("is found where a redirect names it in UTF-8", async () => {
    const paths: (string | undefined)[] = [];
    const server = createTcpServer((socket) => {
      socket.once("data", (request) => {
        const path = request.toString("latin1").split(" ")[1];
        paths.push(path);
        const found = "HTTP/1.1 302 Found\r\nlocation: /café/猫.png?ü\r\ncontent-length: 0\r\n\r\n";
        socket.end(path === "/" ? found : "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\npicture");
      });
    });
    expect(await open().fetchImage(`http://127.0.0.1:${await listen(server)}/`)).toHaveLength(7);
    expect(paths).toEqual(["/", "/caf%C3%A9/%E7%8C%AB.png?%C3%BC"]);
  });

  it("may come with headers of 40 KiB", async () => {
    const { port } = await serve((_request, reply) => {
      for (let i = 0; i < 40; i++) reply.setHeader(`x-policy-${i}`, "p".repeat(1000));
      reply.end("picture");
    });
    expect(await open().fetchImage(`http://127.0.0.1:${port}/`)).toHaveLength(7);
  });

  it("says, where its site refuses, that the site may want to know who asks", async () => {
    const { port } = await serve((_request, reply) => reply.writeHead(403).end());
    const fetching = open().fetchImage(`http://127.0.0.1:${port}/`);
    await expect(fetching).rejects.toThrow(/status 403, not 200; .*FETCH_USER_AGENT/);
  });

  it.each([502, 503, 504])("is asked for once more after a gateway's %i", async (status) => {
    const { port, requests } = await serve((_request, reply) =>
      requests() === 1 ? reply.writeHead(status).end() : reply.end("picture"),
    );
    expect(await open().fetchImage(`http://127.0.0.1:${port}/`)).toHaveLength(7);
    const down = await serve((_request, reply) => reply.writeHead(status).end());
    await expect(open().fetchImage(`http://127.0.0.1:${down.port}/`)).rejects.toMatchObject(code("URL_STATUS"));
    expect([requests(), down.requests()]).toEqual([2, 2]);
  });

  it("is asked for once more when its connection is cut, but not after other failures", async () => {
    const cut = await serve((request, reply) =>
      cut.requests() === 1 ? request.socket.destroy() : reply.end("picture"),
    );
    expect(await open().fetchImage(`http://127.0.0.1:${cut.port}/`)).toHaveLength(7);
    const missing = await serve((_request, reply) => reply.writeHead(500).end());
    await expect(open().fetchImage(`http://127.0.0.1:${missing.port}/`)).rejects.toMatchObject(code("URL_STATUS"));
    expect([cut.requests(), missing.requests()]).toEqual([2, 1]);
  });

  it("is resolved and checked anew for the second try", async () => {
    const { port, requests } = await serve((_request, reply) => reply.writeHead(503).end());
    const answers = [["127.0.0.1"], ["10.0.0.1"]];
    const images = createImageFetcher({
      ...config,
      resolve: async () => answers.shift()!,
      urlAllowlist: ["127.0.0.1"],
    });
    await expect(images.fetchImage(`http://elsewhere.example.com:${port}/`)).rejects.toMatchObject(
      code("URL_FORBIDDEN"),
    );
    const rebinding = fetcher({ urlAllowlist: ["images.example.com"], resolve: async () => answers.shift() ?? [] });
    answers.splice(0, 2, ["127.0.0.1"], []);
    await expect(rebinding.fetchImage(`http://images.example.com:${port}/`)).rejects.toMatchObject(
      code("URL_FORBIDDEN"),
    );
    expect(requests()).toBe(1);
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
    await expect(open().fetchImage(`http://127.0.0.1:${await listen(server)}/`)).rejects.toMatchObject(
      code("IMAGE_TOO_LARGE"),
    );
  });

  const impatient = () => open({ fetchIdleTimeoutMs: 400 });

  it("with no answer at all", async () => {
    const { port } = await serve(() => {});
    await expect(impatient().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_TIMEOUT"));
  });

  it("with a body that stops, or drips for ever", async () => {
    const stops = await serve((_request, reply) => reply.write("pic"));
    await expect(impatient().fetchImage(`http://127.0.0.1:${stops.port}/`)).rejects.toMatchObject(code("URL_TIMEOUT"));
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
    const message = "The image URL could not be fetched: its server's answer breaks the rules of HTTP.";
    const expected = { ...code("URL_UNREACHABLE"), message };
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(expected);
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

describe("a limit that strikes", () => {
  const message = (options: Partial<FetchOptions>, url: string) =>
    open(options)
      .fetchImage(url)
      .then(
        () => "no failure",
        (error) => error.message,
      );

  it("is named", async () => {
    const { port } = await serve(() => {});
    const silent = await serve((_request, reply) => reply.write("pic"));
    const connecting = `http://127.0.0.1:${await fullPort()}/`;
    const found = await Promise.all([
      message({ fetchIdleTimeoutMs: 400 }, `http://127.0.0.1:${port}/`),
      message({ fetchIdleTimeoutMs: 400 }, `http://127.0.0.1:${silent.port}/`),
      message({ fetchTimeoutMs: 100 }, `http://127.0.0.1:${port}/`),
      message({ fetchConnectTimeoutMs: 500 }, connecting),
      message({}, `http://127.0.0.1:${port}/${"x".repeat(9000)}`),
    ]);
    expect(found).toEqual([
      "The image URL did not answer: it was silent for 400 ms.",
      "The image URL did not answer: it was silent for 400 ms.",
      "The image URL did not answer within 100 ms in all.",
      "The image URL did not answer: no connection within 500 ms.",
      "The image URL is longer than 8192 characters.",
    ]);
  });
});

describe("headers of the operator's own", () => {
  const seenBy = async () => {
    const seen: (string | undefined)[] = [];
    const { port } = await serve((request, reply) => {
      seen.push(request.headers.authorization);
      const to = new URL(request.url!, "http://x").searchParams.get("to");
      if (to) reply.writeHead(302, { location: to }).end();
      else reply.end("picture");
    });
    return { seen, origin: `http://127.0.0.1:${port}` };
  };
  const headers = { authorization: "Bearer marked-secret" };

  it("go to their host, and with it through its own redirects", async () => {
    const { seen, origin } = await seenBy();
    await open({ fetchHeaders: { [origin]: headers } }).fetchImage(`${origin}/?to=/x.jpg`);
    expect(seen).toEqual([headers.authorization, headers.authorization]);
  });

  it("go to no other host, nor along with a redirect to or from another", async () => {
    const [own, other] = [await seenBy(), await seenBy()];
    const images = open({ fetchHeaders: { [own.origin]: headers } });
    await images.fetchImage(`${other.origin}/`);
    await images.fetchImage(`${own.origin}/?to=${other.origin}/`);
    await images.fetchImage(`${other.origin}/?to=${own.origin}/`);
    await images.fetchImage(`${own.origin}/?to=${encodeURIComponent(`${other.origin}/?to=${own.origin}/`)}`);
    expect(other.seen).toEqual([undefined, undefined, undefined, undefined]);
    expect(own.seen).toEqual([headers.authorization, undefined, headers.authorization, undefined]);
  });

  it("are for https unless http is written, and are not told where they are wrong", () => {
    const parsed = (fetchHeaders: unknown) => settingsWith(serviceSettings, { fetchHeaders } as never).fetchHeaders;
    expect(parsed('{"Images.example.com": {"Authorization": "a"}, "http://10.0.0.5:81": {"x-key": "b"}}')).toEqual({
      "https://images.example.com": { authorization: "a" },
      "http://10.0.0.5:81": { "x-key": "b" },
    });
    for (const name of ["Host", "cookie", "Content-Length", "range", "transfer-encoding", "a b", ""]) {
      expect(() => parsed({ "example.com": { [name]: "marked-secret" } })).toThrow(
        expect.objectContaining({ code: "CONFIG_INVALID", message: expect.not.stringContaining("marked-secret") }),
      );
    }
    for (const wrong of [
      "{",
      "[]",
      { "example.com/path": {} },
      { "*.example.com": {} },
      { "ftp://example.com": {} },
      { "example.com": { a: "b\nc" } },
    ]) {
      expect(() => parsed(wrong)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    }
  });

  it("leave the user agent to the operator too", async () => {
    const seen: (string | undefined)[] = [];
    const { port } = await serve((request, reply) => {
      seen.push(request.headers["user-agent"]);
      reply.end("picture");
    });
    await open().fetchImage(`http://127.0.0.1:${port}/`);
    await open({ fetchUserAgent: "shop/1.0 (mail@example.com)" }).fetchImage(`http://127.0.0.1:${port}/`);
    expect(seen).toEqual([expect.stringMatching(/^image-text-encoder\/\d+\.\d+\.\d+/), "shop/1.0 (mail@example.com)"]);
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
      const result = open().fetchImage(url, { signal: caller.signal });
      setTimeout(() => caller.abort(new Error("gone")), 50);
      await expect(result).rejects.toThrow("gone");
      const late = open({ fetchTimeoutMs: 100 }).fetchImage(url);
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
