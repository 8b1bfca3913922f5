import { describe, expect, it } from "vitest";
import { type ServiceConfig, serviceSettings } from "../../../src/config/service.ts";
import { settingsWith } from "../../../src/config/setting.ts";
import { createMetrics } from "../../../src/metrics.ts";
import { createApp } from "../../../src/server/app.ts";
import { findPageFiles } from "../../../src/server/page-files.ts";
import { temporaryFolder } from "../../support/checkpoints.ts";
import { fakeEncoder } from "../../support/fake-encoder.ts";
import { writeFiles } from "../../support/pictures.ts";

const folder = await temporaryFolder();
writeFiles(folder, {
  "docs.html": Buffer.from("<!doctype html><title>Docs</title>"),
  "docs/docs-BtM6bGI9.js": Buffer.from("console.log('docs')"),
});
const files = await findPageFiles(folder);

function service(settings: Partial<ServiceConfig> = {}) {
  const config = settingsWith(serviceSettings, settings);
  const docs = config.docs ? files : undefined;
  return createApp({ encoder: fakeEncoder(), config, metrics: createMetrics(), version: "1", docs });
}

describe("GET /docs", () => {
  it("is a page that may load from its own origin only and runs no inline code", async () => {
    const { statusCode, headers, body } = await service().inject("/docs");
    expect([statusCode, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(body).toContain("<title>Docs</title>");
    const policy = String(headers["content-security-policy"]);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(policy).not.toMatch(/https?:|\*|eval/);
    expect((await service().inject("/docs/docs-BtM6bGI9.js")).headers["cache-control"]).toContain("immutable");
  });

  it("needs no key, nor do its files and the document, and no page at /", async () => {
    const locked = service({ apiKeys: ["key"], page: false });
    for (const path of ["/docs", "/docs/docs-BtM6bGI9.js", "/openapi.json"]) {
      expect((await locked.inject(path)).statusCode).toBe(200);
    }
  });

  it("is not there with DOCS=off, nor is the document", async () => {
    const silent = service({ docs: false });
    for (const path of ["/docs", "/docs/docs-BtM6bGI9.js", "/openapi.json"]) {
      expect((await silent.inject(path)).statusCode).toBe(404);
    }
  });

  it("gives no other file", async () => {
    for (const path of ["/docs/", "/docs/..%2fdocs.html", "/docs/missing.js"]) {
      expect((await service().inject(path)).statusCode).toBe(404);
    }
  });
});

describe("the document of a service with keys", () => {
  it("says which routes need one", async () => {
    const { security, paths } = (await service({ apiKeys: ["key"] }).inject("/openapi.json")).json();
    expect(security).toEqual([{ bearer: [] }, { key: [] }]);
    expect(paths["/encode_text"].post.security).toBeUndefined();
    expect(paths["/health"].get.security).toEqual([]);
    expect((await service().inject("/openapi.json")).json().security).toBeUndefined();
  });
});
