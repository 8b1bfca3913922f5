import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { configWith } from "../../src/config.ts";
import { createImageFetcher, type FetchOptions } from "../../src/image/fetch.ts";

const servers: { close(): unknown; closeAllConnections?(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<{ port: number; server: Server; requests: () => number }> {
  let count = 0;
  const server = createServer((request, reply) => {
    count++;
    listener(request, reply);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, server, requests: () => count };
}

const config = configWith({
  fetchTimeoutMs: 1500,
  fetchConnectTimeoutMs: 500,
  fetchIdleTimeoutMs: 400,
  maxImageBytes: 10_000,
});
const fetcher = (options: Partial<FetchOptions> = {}) => createImageFetcher({ ...config, ...options });
/** Opened on purpose, as an operator would: this host and no other. */
const open = (options: Partial<FetchOptions> = {}) => fetcher({ urlAllowlist: ["127.0.0.1"], ...options });
const code = (expected: string) => ({ code: expected });

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

  it("is inflated when the server compresses without being asked", async () => {
    const { port } = await serve((_request, reply) =>
      reply.setHeader("content-encoding", "gzip").end(gzipSync("picture")),
    );
    expect(Buffer.from(await open().fetchImage(`http://127.0.0.1:${port}/`)).toString()).toBe("picture");
  });
});

describe("a URL that is refused", () => {
  it.each([
    "",
    "x.jpg",
    "//example.com/x.jpg",
    "ftp://example.com/x.jpg",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "data:image/png;base64,AAAA",
    "http://",
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://127.0.0.1:0/",
    "http://example.com:99999/",
    `http://example.com/${"x".repeat(9000)}`,
  ])("as not valid: %j", async (url) => {
    await expect(fetcher().fetchImage(url)).rejects.toMatchObject({ code: "URL_INVALID", status: 400 });
  });

  it.each([
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0x7f.1/",
    "http://127。0。0。1/",
    "http://１２７.0.0.1/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1./",
    "http://0/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1:8080/",
    "http://192.168.1.1/",
    "http://172.16.0.1/",
    "http://100.64.0.1/",
  ])("as not public: %s", async (url) => {
    const resolve = () => Promise.reject(new Error("a literal address needs no resolver"));
    await expect(fetcher({ resolve }).fetchImage(url)).rejects.toMatchObject({ code: "URL_FORBIDDEN", status: 403 });
  });

  it.each(["localhost", "localhost.", "LOCALHOST", "intranet.example.com"])(
    "because its name leads to a private address: %s",
    async (host) => {
      const resolve = async () => ["127.0.0.1", "::1", "10.1.2.3"];
      await expect(fetcher({ resolve }).fetchImage(`http://${host}/`)).rejects.toMatchObject(code("URL_FORBIDDEN"));
    },
  );

  it("without saying where it leads", async () => {
    const resolve = async () => ["10.1.2.3"];
    const error = await fetcher({ resolve })
      .fetchImage("http://intranet.example.com/secret")
      .catch((it) => it);
    expect(error.message).not.toMatch(/10\.1|intranet|secret/);
    expect(error.internal).toContain("10.1.2.3");
  });

  it("when a redirect leads to a private address", async () => {
    const secret = await serve((_request, reply) => reply.end("secret"));
    const { port } = await serve((_request, reply) =>
      reply.writeHead(302, { location: `http://127.0.0.2:${secret.port}/` }).end(),
    );
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_FORBIDDEN"));
    expect(secret.requests()).toBe(0);
  });

  it.each(["file:///etc/passwd", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://"])(
    "when a redirect leads to %s",
    async (location) => {
      const { port } = await serve((_request, reply) => reply.writeHead(301, { location }).end());
      await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_INVALID"));
    },
  );

  it("when its host is not on the allow-list, public or not", async () => {
    const images = fetcher({
      urlAllowlist: ["images.example.com", "*.cdn.example.com"],
      resolve: async () => ["8.8.8.8"],
    });
    for (const host of ["example.com", "cdn.example.com", "evilcdn.example.com", "images.example.com.evil.org"]) {
      await expect(images.fetchImage(`http://${host}/`)).rejects.toMatchObject(code("URL_FORBIDDEN"));
    }
  });

  it("when URLs are switched off", async () => {
    await expect(fetcher({ imageUrls: false }).fetchImage("http://example.com/")).rejects.toMatchObject(
      code("URL_FORBIDDEN"),
    );
  });
});

describe("a name", () => {
  it("is resolved once per hop, and the checked address is the one connected to", async () => {
    const { port } = await serve((_request, reply) => reply.end("picture"));
    let asked = 0;
    const resolve = async () => (asked++ === 0 ? ["127.0.0.1"] : ["127.0.0.9"]);
    const images = fetcher({ urlAllowlist: ["rebind.example.com"], resolve });
    expect(await images.fetchImage(`http://rebind.example.com:${port}/`)).toHaveLength(7);
    expect(asked).toBe(1);
  });

  it("that rebinds to loopback on a later hop is refused there", async () => {
    const { port, requests } = await serve((_request, reply) => reply.end("secret"));
    const answers = [["8.8.8.8"], ["127.0.0.1"]];
    const images = fetcher({ resolve: async () => answers.shift()!, fetchConnectTimeoutMs: 100 });
    await images.fetchImage(`http://rebind.example.com:${port}/`).catch(() => {}); // 8.8.8.8 is not reached from here
    await expect(images.fetchImage(`http://rebind.example.com:${port}/`)).rejects.toMatchObject(code("URL_FORBIDDEN"));
    expect(requests()).toBe(0);
  });

  it("that an operator allows may be private", async () => {
    const { port } = await serve((_request, reply) => reply.end("picture"));
    const images = fetcher({ urlAllowlist: ["*.internal"], resolve: async () => ["127.0.0.1"] });
    expect(await images.fetchImage(`http://images.internal:${port}/`)).toHaveLength(7);
  });

  it("whose server hangs ends with the deadline", async () => {
    const images = fetcher({ resolve: () => new Promise(() => {}), fetchTimeoutMs: 150 });
    await expect(images.fetchImage("http://slow.example.com/")).rejects.toMatchObject(code("URL_TIMEOUT"));
  });

  it("that does not exist says so", async () => {
    const resolve = () => Promise.reject(Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }));
    await expect(fetcher({ resolve }).fetchImage("http://none.example.com/")).rejects.toMatchObject(
      code("URL_UNREACHABLE"),
    );
  });
});

describe("a server that misbehaves", () => {
  it("with a status other than 200", async () => {
    const { port } = await serve((_request, reply) => reply.writeHead(404).end("not here"));
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_STATUS"));
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
    const server = createTcpServer((socket) => socket.end("220 smtp.example.com ESMTP\r\n"));
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_UNREACHABLE"));
  });

  it("that is not there", async () => {
    const { port, server } = await serve(() => {});
    server.close();
    await expect(open().fetchImage(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(code("URL_UNREACHABLE"));
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
