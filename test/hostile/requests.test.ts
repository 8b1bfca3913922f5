import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ServiceConfig } from "../../src/config/service.ts";
import { jsonPost, type RawReply, rawConnection } from "../support/raw-http.ts";
import { testApp } from "../support/test-app.ts";

const path = "/encode_text";
const good = jsonPost(path, '{"text":"a"}');

/** Starts the service on a real socket. */
async function start(overrides: Partial<ServiceConfig> = {}) {
  const { app, encoder, metrics } = testApp({ headersTimeoutMs: 300, bodyTimeoutMs: 600, ...overrides });
  await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return { encoder, metrics, port: (app.server.address() as AddressInfo).port };
}

async function exchange(port: number, bytes: string | Uint8Array): Promise<RawReply | undefined> {
  const connection = rawConnection(port);
  await connection.send(bytes);
  return connection.reply();
}

const codeOf = (reply: RawReply | undefined) => (reply ? `${reply.status} ${JSON.parse(reply.body).code}` : "closed");

/** Whatever happened before, the service answers and holds no request or byte back. */
async function expectService({ port, metrics }: Awaited<ReturnType<typeof start>>) {
  expect((await exchange(port, good))?.status).toBe(200);
  await expect.poll(async () => (await metrics.requestsInFlight.get()).values[0]?.value).toBe(0);
  await expect.poll(async () => (await metrics.bodyBytesInFlight.get()).values[0]?.value).toBe(0);
}

describe("a JSON body that is hostile", () => {
  const repeat = (piece: string, count: number) => piece.repeat(count);
  it.each<[name: string, body: string | Uint8Array, expected: string]>([
    ["is empty", "", "400 INVALID_JSON"],
    ["is cut off", '{"text":"a', "400 INVALID_JSON"],
    ["goes on after its end", '{"text":"a"} {"text":"b"}', "400 INVALID_JSON"],
    ["is not an object", '"text"', "400 INVALID_REQUEST"],
    ["is null", "null", "400 INVALID_REQUEST"],
    ["is UTF-16", Buffer.from('{"text":"a"}', "utf16le"), "400 INVALID_JSON"],
    ["is nested in arrays a million deep", repeat("[", 1e6), "400 INVALID_REQUEST"],
    ["is nested in objects a hundred thousand deep", repeat('{"a":', 1e5), "400 INVALID_REQUEST"],
    ["hides its depth behind a string", `{"texts":["\\"]",${repeat("[", 1e5)}`, "400 INVALID_REQUEST"],
    ["holds a million texts", `{"texts":[${repeat('"a",', 1e6)}"a"]}`, "413 BATCH_TOO_LARGE"],
    ["holds a million numbers", `{"texts":[${repeat("1,", 1e6)}1]}`, "413 BATCH_TOO_LARGE"],
    ["holds a million empty objects", `{"texts":[${repeat("{},", 1e6)}{}]}`, "413 BATCH_TOO_LARGE"],
    ["has a million keys", `{${repeat('"a":1,', 1e6)}"text":"a"}`, "413 BATCH_TOO_LARGE"],
    ["has one text more than a batch may", `{"texts":[${repeat('"a",', 2048)}"a"]}`, "413 BATCH_TOO_LARGE"],
    ["sets __proto__", '{"text":"a","__proto__":{"normalize":false}}', "400 INVALID_REQUEST"],
    ["sets only __proto__", '{"__proto__":{"text":"a"}}', "400 INVALID_REQUEST"],
    ["sets constructor", '{"text":"a","constructor":{"prototype":{"polluted":1}}}', "400 INVALID_REQUEST"],
    ["asks with a number", '{"text":1e999}', "400 INVALID_REQUEST"],
    ["asks with an array in place of a text", '{"text":["a"]}', "400 INVALID_REQUEST"],
    ["has an object that looks like a string", '{"text":{"length":1,"trim":null}}', "400 INVALID_REQUEST"],
    ["asks for nothing", "{}", "400 INVALID_REQUEST"],
  ])("%s", async (_name, body, expected) => {
    const service = await start();
    expect(codeOf(await exchange(service.port, jsonPost(path, body)))).toBe(expected);
    expect(({} as { polluted?: unknown; normalize?: unknown }).polluted).toBeUndefined();
    await expectService(service);
  });

  it("names a key twice: the last one counts, as JSON.parse has it", async () => {
    const { port } = await start();
    const reply = await exchange(port, jsonPost(path, '{"text":"a","text":"abc"}'));
    expect(JSON.parse(reply!.body).embedding[0]).toBe("abc".length);
  });

  it("is not compressed, and says so", async () => {
    const { port } = await start();
    expect((await exchange(port, jsonPost(path, '{"text":"a"}', { "content-encoding": "Identity" })))?.status).toBe(
      200,
    );
  });

  it.each(["gzip", "deflate", "br", "identity, gzip"])("is compressed with %s", async (encoding) => {
    const { port } = await start();
    const bomb = gzipSync(Buffer.alloc(10_000_000, " "));
    expect(codeOf(await exchange(port, jsonPost(path, bomb, { "content-encoding": encoding })))).toBe(
      "415 UNSUPPORTED_MEDIA_TYPE",
    );
  });

  it.each(["text/plain", "application/xml", "application/x-www-form-urlencoded", "x", "application/jsonp", ";;;"])(
    "comes as %s",
    async (type) => {
      const { port } = await start();
      expect(codeOf(await exchange(port, jsonPost(path, '{"text":"a"}', { "content-type": type })))).toBe(
        "415 UNSUPPORTED_MEDIA_TYPE",
      );
    },
  );
});

describe("a body of 100 MB", () => {
  it("is refused unread where its length says so", async () => {
    const service = await start();
    const reply = await exchange(service.port, jsonPost(path, '{"text":"', { "content-length": "100000000" }));
    expect(codeOf(reply)).toBe("413 BODY_TOO_LARGE");
    await expectService(service);
  });

  it("is refused on its way where it does not, and its sender can read that", async () => {
    const maxBodyBytes = 4 * 1024 * 1024;
    const service = await start({ maxBodyBytes, bodyTimeoutMs: 20_000 });
    const connection = rawConnection(service.port);
    const head = jsonPost(path, "", { "content-length": "" })
      .toString()
      .replace("content-length: ", "transfer-encoding: chunked");
    await connection.send(head);
    const chunk = Buffer.from(`100000\r\n${"x".repeat(0x100000)}\r\n`);
    for (let i = 0; i < 100; i++) await connection.send(chunk);
    await connection.send("0\r\n\r\n");
    expect(codeOf(await connection.reply())).toBe("413 BODY_TOO_LARGE");
    await expectService(service);
  });
});

describe("a client that trickles", () => {
  it("headers gets 408 and the connection's end, and keeps nobody else waiting", async () => {
    const service = await start();
    const connections = Array.from({ length: 50 }, () => rawConnection(service.port));
    for (const connection of connections) await connection.send("POST /encode_text HTTP/1.1\r\nhost: x\r\n");
    await expectService(service);
    for (const connection of connections) {
      expect(codeOf(await connection.reply())).toBe("408 REQUEST_TIMEOUT");
      await connection.closed;
    }
  });

  it("a body gets 408 and the connection's end, and its place is free again", async () => {
    const service = await start();
    const connection = rawConnection(service.port);
    await connection.send(jsonPost(path, "{", { "content-length": "1000" }));
    const timer = setInterval(() => connection.socket.write(" "), 50);
    connection.closed.then(() => clearInterval(timer));
    expect(codeOf(await connection.reply())).toBe("408 REQUEST_TIMEOUT");
    await connection.closed;
    await expectService(service);
  });

  it("nothing at all is let go", async () => {
    const { port } = await start();
    const connection = rawConnection(port);
    await connection.closed;
  });

  it("reading its answers loses its connection and its places", async () => {
    const service = await start({ bodyTimeoutMs: 900, requestTimeoutMs: 100 });
    const connection = rawConnection(service.port);
    const { socket } = connection;
    const sip = setInterval(() => socket.resume().once("data", () => socket.pause()), 20);
    onTestFinished(() => clearInterval(sip));
    const large = jsonPost(path, JSON.stringify({ texts: Array(2000).fill("a") })); // each answer has 4 MB of vectors
    await connection.send(Buffer.concat(Array.from({ length: 7 }, () => large)));
    await connection.closed;
    let answered = 0;
    while (await connection.reply()) answered++;
    expect(answered).toBeLessThan(7);
    await expectService(service);
  });
});

describe("a client that goes away", () => {
  it("in the middle of its body leaves nothing behind", async () => {
    const service = await start();
    for (let i = 0; i < 20; i++) {
      const connection = rawConnection(service.port);
      await connection.send(jsonPost(path, '{"text":"', { "content-length": "100000" }));
      connection.socket.destroy();
    }
    await expectService(service);
  });

  it("with many requests on its way takes all their places along", async () => {
    const service = await start();
    service.encoder.hold = new Promise(() => {});
    const connection = rawConnection(service.port);
    await connection.send(Buffer.concat(Array.from({ length: 20 }, () => good)));
    await expect.poll(() => service.encoder.options.length).toBe(20);
    connection.socket.destroy();
    await expect.poll(() => service.encoder.aborted.length).toBe(20);
    service.encoder.hold = undefined;
    await expectService(service);
  });

  it("before its answer ends the work on it", async () => {
    const service = await start();
    service.encoder.hold = new Promise(() => {});
    const connection = rawConnection(service.port);
    await connection.send(good);
    await expect.poll(() => service.encoder.options.length).toBe(1);
    connection.socket.destroy();
    await expect.poll(() => service.encoder.aborted).toMatchObject([{ code: "CLIENT_CLOSED" }]);
    service.encoder.hold = undefined;
    await expectService(service);
  });
});

describe("HTTP that does not add up", () => {
  const post = (headers: string, body = '{"text":"a"}') =>
    `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n\r\n${body}`;
  it.each<[name: string, bytes: string | Uint8Array, expected: string]>([
    ["a body shorter than its length", post("content-length: 100"), "408 REQUEST_TIMEOUT"],
    ["a body longer than its length", post("content-length: 5"), "400 INVALID_REQUEST"],
    ["a negative length", post("content-length: -1"), "400 INVALID_REQUEST"],
    ["a length that is no number", post("content-length: 0x0c"), "400 INVALID_REQUEST"],
    ["a length beyond counting", post("content-length: 99999999999999999999999"), "400 INVALID_REQUEST"],
    ["two lengths", post("content-length: 12\r\ncontent-length: 5"), "400 INVALID_REQUEST"],
    ["a length and chunks", post("content-length: 12\r\ntransfer-encoding: chunked"), "400 INVALID_REQUEST"],
    ["chunks by an unknown name", post("transfer-encoding: chunked, x"), "400 INVALID_REQUEST"],
    ["a chunk size that is no number", post("transfer-encoding: chunked", "zz\r\n"), "400 INVALID_REQUEST"],
    [
      "a chunk size beyond counting",
      post("transfer-encoding: chunked", "fffffffffffffffff\r\n"),
      "400 INVALID_REQUEST",
    ],
    [
      "an endless chunk extension",
      post("transfer-encoding: chunked", `1;${"x".repeat(100_000)}`),
      "400 INVALID_REQUEST",
    ],
    ["no length at all", post("x: y"), "400 INVALID_REQUEST"],
    ["a header of 100 kB", post(`x: ${"y".repeat(100_000)}`), "431 HEADERS_TOO_LARGE"],
    ["ten thousand headers", post("x: y\r\n".repeat(10_000)), "431 HEADERS_TOO_LARGE"],
    ["a header folded onto two lines", post("x: y\r\n z"), "400 INVALID_REQUEST"],
    ["a header without a name", post(": y"), "400 INVALID_REQUEST"],
    ["a NUL in a header", post("x: \0"), "400 INVALID_REQUEST"],
    ["no host", "GET /health HTTP/1.1\r\n\r\n", "400 INVALID_REQUEST"],
    ["two hosts", "GET /health HTTP/1.1\r\nhost: x\r\nHost: y\r\n\r\n", "400 INVALID_REQUEST"],
    [
      "compressed chunks",
      post("transfer-encoding: gzip, chunked", 'c\r\n{"text":"a"}\r\n0\r\n\r\n'),
      "415 UNSUPPORTED_MEDIA_TYPE",
    ],
    ["a path of 100 kB", `GET /${"x".repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, "431 HEADERS_TOO_LARGE"],
    ["a path that is no UTF-8", "GET /%ff%fe HTTP/1.1\r\nhost: x\r\n\r\n", "400 INVALID_REQUEST"],
    ["a path up and away", "GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n", "404 NOT_FOUND"],
    ["another server's URL", "GET http://example.com/x HTTP/1.1\r\nhost: x\r\n\r\n", "404 NOT_FOUND"],
    ["a method of its own", "STEAL / HTTP/1.1\r\nhost: x\r\n\r\n", "400 INVALID_REQUEST"],
    ["a tunnel", "CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n", "closed"],
    ["HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 INVALID_REQUEST"],
    ["TLS", Buffer.from("160301020001000", "hex"), "400 INVALID_REQUEST"],
    ["noise", Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 197) % 256)), "400 INVALID_REQUEST"],
  ])("%s", async (_name, bytes, expected) => {
    const service = await start();
    expect(codeOf(await exchange(service.port, bytes))).toBe(expected);
    await expectService(service);
  });

  it("an expectation that nobody knows is passed over", async () => {
    const { port } = await start();
    const reply = await exchange(port, jsonPost(path, '{"text":"a"}', { expect: "a miracle" }));
    expect(reply?.status).toBe(200);
  });

  it("a whole URL is taken for its path, as proxies send it", async () => {
    const { port } = await start();
    for (const url of ["http://x/health", "HTTPS://x:1/health?", "http://x/health"]) {
      expect((await exchange(port, `GET ${url} HTTP/1.1\r\nhost: x\r\n\r\n`))?.status).not.toBe(404);
    }
  });

  it("a header behind two thousand others counts", async () => {
    const { port } = await start({ apiKeys: ["k"] });
    const many = "a: \r\n".repeat(2000);
    const body = '{"text":"a"}';
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\n${many}x-api-key: k\r\ncontent-type: application/json\r\n`;
    expect((await exchange(port, `${head}content-length: ${body.length}\r\n\r\n${body}`))?.status).toBe(200);
  });

  it("an empty content-encoding is none", async () => {
    const { port } = await start();
    expect((await exchange(port, jsonPost(path, '{"text":"a"}', { "content-encoding": "" })))?.status).toBe(200);
  });

  it("no host is no fault in HTTP/1.0", async () => {
    const { port } = await start();
    expect((await exchange(port, "GET /health HTTP/1.0\r\n\r\n"))?.status).toBe(200);
  });

  it.each<[name: string, type: string, body: string]>([
    ["no boundary", "multipart/form-data", "--x\r\n\r\n--x--"],
    ["no part", "multipart/form-data; boundary=x", "--x--\r\n"],
    [
      "no end",
      "multipart/form-data; boundary=x",
      '--x\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\nabc',
    ],
    ["a part without a name", "multipart/form-data; boundary=x", "--x\r\n\r\nabc\r\n--x--\r\n"],
    ["headers without end", "multipart/form-data; boundary=x", `--x\r\n${"a: b\r\n".repeat(10_000)}\r\n\r\n--x--\r\n`],
    [
      "another multipart inside",
      "multipart/form-data; boundary=x",
      '--x\r\ncontent-disposition: form-data; name="__proto__"\r\ncontent-type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--\r\n',
    ],
    ["a boundary beyond measure", `multipart/form-data; boundary=${"x".repeat(5000)}`, "--x--\r\n"],
  ])("a form with %s", async (_name, type, body) => {
    const service = await start();
    const reply = await exchange(service.port, jsonPost("/encode_image", body, { "content-type": type }));
    expect(codeOf(reply)).toBe("400 INVALID_REQUEST");
    await expectService(service);
  });

  it("a form of three thousand files", async () => {
    const service = await start();
    const part = '--x\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\nabc\r\n';
    const body = `${part.repeat(3000)}--x--\r\n`;
    const reply = await exchange(
      service.port,
      jsonPost("/encode_image", body, { "content-type": "multipart/form-data; boundary=x" }),
    );
    expect(codeOf(reply)).toBe("413 BATCH_TOO_LARGE");
    await expectService(service);
  });
});

describe("pipelined requests", () => {
  it("are answered in order, the bad ones among them too", async () => {
    const service = await start();
    const connection = rawConnection(service.port);
    const requests = Array.from(
      { length: 60 },
      (_, i) =>
        [
          jsonPost(path, JSON.stringify({ text: "a".repeat(i + 1) })),
          jsonPost(path, "{"),
          jsonPost("/nowhere", "{}"),
        ].at(i % 3)!,
    );
    await connection.send(Buffer.concat(requests));
    for (let i = 0; i < requests.length; i++) {
      const reply = await connection.reply();
      expect(reply?.status).toBe([200, 400, 404][i % 3]);
      if (i % 3 === 0) expect(JSON.parse(reply!.body).embedding[0]).toBe(i + 1);
    }
    await expectService(service);
  });

  it("are refused beyond what may be in flight", async () => {
    const service = await start({ maxInFlightRequests: 8 });
    let release = () => {};
    service.encoder.hold = new Promise((resolve) => {
      release = resolve;
    });
    const connection = rawConnection(service.port);
    await connection.send(Buffer.concat(Array.from({ length: 40 }, () => good)));
    await expect.poll(() => service.encoder.options.length).toBe(8);
    await sleep(50);
    release();
    const statuses: number[] = [];
    for (let i = 0; i < 40; i++) statuses.push((await connection.reply())!.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(8);
    expect(statuses.filter((status) => status === 429)).toHaveLength(32);
    service.encoder.hold = undefined;
    await expectService(service);
  });

  it("cannot smuggle one behind a body that is refused", async () => {
    const { port, encoder } = await start();
    const connection = rawConnection(port);
    await connection.send(Buffer.concat([jsonPost(path, good, { "content-encoding": "gzip" }), good]));
    expect(codeOf(await connection.reply())).toBe("415 UNSUPPORTED_MEDIA_TYPE");
    expect((await connection.reply())?.status).toBe(200);
    expect(encoder.options).toHaveLength(1);
  });
});
