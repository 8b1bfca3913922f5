import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createApp } from "../../src/server/app.ts";
import { findPageFiles, type PageFiles } from "../../src/server/page-files.ts";
import { fakeEncoder } from "../support/fake-encoder.ts";

let folder: string;
let files: PageFiles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "page-"));
  await mkdir(join(folder, "assets"));
  await mkdir(join(folder, "gallery"));
  await writeFile(join(folder, "index.html"), "<!doctype html><title>Page</title>");
  await writeFile(join(folder, "icon.svg"), "<svg/>");
  await writeFile(join(folder, "assets/index-BtM6bGI9.js"), "console.log('a page')");
  await writeFile(join(folder, "assets/index-BtM6bGI9.js.gz"), gzipSync("console.log('a page')"));
  await writeFile(join(folder, "assets/gone-BtM6bGI9.js"), "");
  await writeFile(join(folder, "assets/plain-BtM6bGI9.js"), "plain");
  await writeFile(join(folder, "assets/plain-BtM6bGI9.js.gz"), gzipSync("plain"));
  await writeFile(join(folder, "gallery/red-apple-3d-13ec4ec4.webp"), "RIFF");
  files = (await findPageFiles(folder))!;
});
afterAll(() => rm(folder, { recursive: true }));

function app({ apiKeys = [] as string[], corsOrigins = [] as string[], hasPage = true } = {}) {
  const config = settingsWith(serviceSettings, { apiKeys, corsOrigins });
  const page = hasPage ? files : undefined;
  return createApp({ encoder: fakeEncoder(), config, metrics: createMetrics(), version: "1", page });
}

describe("GET /", () => {
  it("is a page that may load from its own origin only and runs no inline code", async () => {
    const { statusCode, headers, body } = await app().inject("/");
    expect(statusCode).toBe(200);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    const policy = String(headers["content-security-policy"]);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["cache-control"]).toBe("no-cache");
    expect(body).toContain("<title>Page</title>");
  });

  it("needs no key, as its files do not, though everything else does", async () => {
    const service = app({ apiKeys: ["key"] });
    const paths = ["/", "/icon.svg", "/assets/index-BtM6bGI9.js", "/gallery/red-apple-3d-13ec4ec4.webp"];
    for (const path of paths) expect((await service.inject(path)).statusCode).toBe(200);
    expect((await service.inject("/info")).statusCode).toBe(401);
  });

  it("is not there without the page's files", async () => {
    expect(await findPageFiles(join(folder, "missing"))).toBeUndefined();
    const service = app({ hasPage: false });
    for (const path of ["/icon.svg", "/assets/index-BtM6bGI9.js"]) {
      expect((await service.inject(path)).statusCode).toBe(404);
    }
    const { statusCode, headers } = await service.inject("/");
    expect({ statusCode, allow: headers.allow }).toEqual({ statusCode: 405, allow: "POST, OPTIONS" }); // of a protocol
  });
});

describe("a file of the page", () => {
  it("is kept for ever where its name carries a hash, and asked for again elsewhere", async () => {
    const script = await app().inject("/assets/index-BtM6bGI9.js");
    expect(script.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(script.headers["content-type"]).toBe("text/javascript; charset=utf-8");
    const icon = await app().inject("/icon.svg");
    expect(icon.headers["cache-control"]).toBe("no-cache");
    const again = await app().inject({ url: "/icon.svg", headers: { "if-none-match": String(icon.headers.etag) } });
    expect(again.statusCode).toBe(304);
    expect(again.body).toBe("");
  });

  it("is compressed for those who take that, unless it is a picture", async () => {
    const headers = { "accept-encoding": "br, gzip" };
    const script = await app().inject({ url: "/assets/index-BtM6bGI9.js", headers });
    expect(script.headers).toMatchObject({
      "content-encoding": "gzip",
      vary: "accept-encoding",
    });
    expect(gunzipSync(script.rawPayload).toString()).toBe("console.log('a page')");
    expect((await app().inject("/assets/index-BtM6bGI9.js")).body).toBe("console.log('a page')");
    const shared = await app({ corsOrigins: ["https://a.example"] }).inject("/assets/index-BtM6bGI9.js");
    expect(shared.headers.vary).toBe("origin, accept-encoding");
    const picture = await app().inject({ url: "/gallery/red-apple-3d-13ec4ec4.webp", headers });
    expect(picture.headers["content-encoding"]).toBeUndefined();
    expect(picture.headers["content-type"]).toBe("image/webp");
  });

  it("that changes under its name has another tag", async () => {
    const tag = async () => (await app().inject("/icon.svg")).headers.etag;
    const before = await tag();
    await writeFile(join(folder, "icon.svg"), "<svg></svg>");
    expect(await tag()).not.toBe(before);
    await writeFile(join(folder, "icon.svg"), "<svg/>");
    expect(await tag()).toBe(before);
  });

  it("is sent as it is where only its compressed form was removed", async () => {
    await rm(join(folder, "assets/plain-BtM6bGI9.js.gz"));
    const reply = await app().inject({ url: "/assets/plain-BtM6bGI9.js", headers: { "accept-encoding": "gzip" } });
    expect([reply.body, reply.headers["content-encoding"]]).toEqual(["plain", undefined]);
  });

  it("is not found where it was removed since the service started", async () => {
    await rm(join(folder, "assets/gone-BtM6bGI9.js"));
    const { statusCode, headers } = await app().inject("/assets/gone-BtM6bGI9.js");
    expect([statusCode, headers["cache-control"]]).toEqual([404, undefined]);
  });

  it("is never looked for outside the page", async () => {
    for (const path of [
      "/assets/../index.html",
      "/assets/..%2f..%2fpackage.json",
      "/assets/",
      "/assets/index-BtM6bGI9.js.gz",
    ]) {
      const { statusCode } = await app().inject(path);
      expect({ path, statusCode }).toEqual({ path, statusCode: 404 });
    }
  });
});
