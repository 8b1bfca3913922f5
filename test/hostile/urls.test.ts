import { describe, expect, it } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import type { FetchOptions } from "../../src/image/fetch.ts";
import { fetcherOfBytes, serve } from "../support/loopback.ts";

const config = settingsWith(serviceSettings, {
  fetchTimeoutMs: 1500,
  fetchConnectTimeoutMs: 500,
  fetchIdleTimeoutMs: 400,
});
const fetcher = (options: Partial<FetchOptions> = {}) => fetcherOfBytes({ ...config, ...options });
/** Allows this host and no other, as an operator would on purpose. */
const open = (options: Partial<FetchOptions> = {}) => fetcher({ urlAllowlist: ["127.0.0.1"], ...options });
/** The list calls this address public, but nobody has had it since 2006 (RFC 3701), so no test reaches a stranger. */
const nobody = "3ffe::1";
const code = (expected: string) => ({ code: expected });

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
    "http://images.example.com@127.0.0.1/",
    "http://images.example.com:80@127.0.0.1/",
    "http://%61@example.com/",
    "http://exa mple.com/",
    "http://example.com%00.evil.org/",
    "http://[::1",
    "http://256.0.0.1/",
    "http://1.2.3.4.5/",
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
    "http://127。0。0。1。/",
    "http://⑯⑨。②⑤④。⑯⑨｡②⑤④/",
    "http://017700000001/",
    "http://0x7F000001:8080/",
    "http://127.0.1/",
    "http://127.0x1/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://2852039166/",
    "http://@127.0.0.1/",
    "http:127.0.0.1",
    "http:///127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http://127.0.0.1\\@images.example.com/",
    "http://127.0.0.1#@images.example.com/",
    "ht\ntp://127.0.\t0.1/",
    " http://127.0.0.1/ ",
    "HTTPS://127.0.0.1/",
    "http://0/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[0:0:0:0:0:ffff:7f00:0001]/",
    "http://[::127.0.0.1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
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

  it("on its way through a chain of redirects, wherever the private address comes", async () => {
    const targets = [
      "http://[::1]/",
      "http://169.254.169.254/",
      "//10.0.0.1/",
      "http://2130706434/",
      "http://localhost/",
    ];
    const { port, requests } = await serve((request, reply) => {
      const [, hop, target] = request.url!.split("/");
      reply
        .writeHead(308, { location: hop === "0" ? targets[Number(target)]! : `/${Number(hop) - 1}/${target}` })
        .end();
    });
    for (const hop of [0, 1, 2]) {
      for (const target of targets.keys()) {
        await expect(open().fetchImage(`http://127.0.0.1:${port}/${hop}/${target}`)).rejects.toMatchObject(
          code("URL_FORBIDDEN"),
        );
      }
    }
    expect(requests()).toBe(targets.length * (1 + 2 + 3));
  });

  it("when its host is not on the allow-list, public or not", async () => {
    const images = fetcher({
      urlAllowlist: ["images.example.com", "*.cdn.example.com"],
      resolve: async () => [nobody],
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

  it("with public and private addresses is only ever asked for at the public ones", async () => {
    const { port, requests } = await serve((_request, reply) => reply.end("secret"));
    const images = fetcher({ resolve: async () => ["127.0.0.1", "192.0.2.1", "::1", nobody], fetchTimeoutMs: 150 });
    await expect(images.fetchImage(`http://mixed.example.com:${port}/`)).rejects.toMatchObject({
      code: expect.stringMatching(/^URL_(TIMEOUT|UNREACHABLE)$/), // no server answers there
    });
    expect(requests()).toBe(0);
  });

  it.each([[[]], [["not an address"]], [["fe80::1%eth0"]]])("resolved to %j is refused", async (answer) => {
    await expect(fetcher({ resolve: async () => answer }).fetchImage("http://odd.example.com/")).rejects.toMatchObject(
      code("URL_FORBIDDEN"),
    );
  });

  it("that rebinds to loopback on a later hop is refused there", async () => {
    const { port, requests } = await serve((_request, reply) => reply.end("secret"));
    const answers = [[nobody], ["127.0.0.1"]];
    const images = fetcher({ resolve: async () => answers.shift()!, fetchConnectTimeoutMs: 100 });
    await images.fetchImage(`http://rebind.example.com:${port}/`).catch(() => {}); // no server answers there
    await expect(images.fetchImage(`http://rebind.example.com:${port}/`)).rejects.toMatchObject(code("URL_FORBIDDEN"));
    expect(requests()).toBe(0);
  });

  it("that an operator allows may be private", async () => {
    const { port } = await serve((_request, reply) => reply.end("picture"));
    const images = fetcher({ urlAllowlist: ["*.internal"], resolve: async () => ["127.0.0.1"] });
    expect(await images.fetchImage(`http://images.internal:${port}/`)).toHaveLength(7);
  });

  it("that does not exist says so", async () => {
    const resolve = () => Promise.reject(Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }));
    await expect(fetcher({ resolve }).fetchImage("http://none.example.com/")).rejects.toMatchObject(
      code("URL_UNREACHABLE"),
    );
  });
});
