import { execFile } from "node:child_process";
import { renameSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createEncoder, type Encoder } from "../../src/encoder/encoder.ts";
import { createThumbnailer } from "../../src/image/thumbnail.ts";
import { createMetrics } from "../../src/metrics.ts";
import { openPictureIndex, type PictureIndex } from "../../src/search/picture-index.ts";
import { createPictures } from "../../src/search/pictures.ts";
import { createApp } from "../../src/server/app.ts";
import { temporaryFolder } from "../support/checkpoints.ts";
import { bitmap, writeFiles } from "../support/pictures.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

const executable = resolve(import.meta.dirname, "../../bin/image-text-encoder");
let folder: string;
let model: string;
let encoder: Encoder;
let index: PictureIndex;
let app: FastifyInstance;
const thumbnailer = createThumbnailer(settingsWith(serviceSettings));

beforeAll(async () => {
  folder = await temporaryFolder();
  model = await buildTinyModel();
  const names = ["a.bmp", "below/b.bmp", "c.bmp", "d.bmp"];
  writeFiles(folder, Object.fromEntries(names.map((name, i) => [`pictures/${name}`, bitmap(i, [600, 400])])));
  writeFiles(folder, { "pictures/list.csv": `path,price\n${names.map((name, i) => `${name},${i}`).join("\n")}\n` });
  const list = join(folder, "pictures/list.csv");
  const args = [executable, "index", list, "--index", join(folder, "index.lance"), "--model", model];
  await promisify(execFile)(process.execPath, args);
  encoder = await createEncoder({ model });
  index = await openPictureIndex(join(folder, "index.lance"), encoder.manifest);
  const config = settingsWith(serviceSettings, { apiKeys: ["secret"] });
  const pictures = createPictures({ index, thumbnailer, maxImageBytes: config.maxImageBytes });
  const search = { index, pictures };
  app = createApp({ encoder, config, metrics: createMetrics(), version: "1.2.3", search });
});

afterAll(async () => {
  await app.close();
  index.close();
  await thumbnailer.close();
  await encoder.close();
});

const headers = { authorization: "Bearer secret" };

async function search(body: object) {
  const reply = await app.inject({ method: "POST", url: "/search", payload: body, headers });
  return { status: reply.statusCode, ...reply.json() };
}

interface Found {
  id: string;
  score: number;
  path: string;
}

describe("POST /search", () => {
  it("finds by a picture, by words, by a vector and by a weighted sum", async () => {
    const b64 = bitmap(1, [600, 400]).toString("base64");
    const byPicture = await search({ image_b64: b64, limit: 2 });
    expect(byPicture.status).toBe(200);
    expect(Object.keys(byPicture.results[0])).toEqual(["id", "score", "path", "columns"]);
    expect(byPicture.results[0]).toMatchObject({ path: "below/b.bmp", columns: { price: 1 } });
    expect(byPicture.results[0].score).toBeCloseTo(1, 5);
    const { embeddings } = await encoder.encodeTexts(["a red bicycle"]);
    const byVector = await search({ embedding: [...embeddings[0]!].map((value) => 3 * value) });
    const byText = await search({ text: "a red bicycle" });
    expect(byVector.results.map(({ id }: Found) => id)).toEqual(byText.results.map(({ id }: Found) => id));
    const sum = await search({
      query: [
        { b64, weight: 2 },
        { text: "a dog", weight: -0.1 },
      ],
    });
    expect(sum.results[0].path).toBe("below/b.bmp");
  });

  it("takes words as they are: never as a path, a URL or arithmetic", async () => {
    for (const text of [join(folder, "pictures/a.bmp"), "http://127.0.0.1:9/", "a + b"]) {
      expect((await search({ text })).results).toHaveLength(4);
    }
  });

  it("forgets no condition, whatever its name", async () => {
    const filter = JSON.parse('{"__proto__":{"gt":1}}');
    const refused = await search({ text: "a", filter });
    expect(refused).toMatchObject({ status: 400, error: expect.stringContaining("no column") });
  });

  it("takes an empty field for none, and one that is misspelt for a mistake", async () => {
    expect(await search({ text: "a", image_url: "", image_b64: "" })).toMatchObject({ status: 200 });
    expect((await app.inject({ url: "/pictures/0123456789abcdef?wdith=512", headers })).statusCode).toBe(400);
  });

  it("filters, and gives pages", async () => {
    const all = await search({ text: "a dog", limit: 4 });
    const page = await search({ text: "a dog", limit: 2, offset: 2 });
    expect(page.results).toEqual(all.results.slice(2));
    const cheap = await search({ text: "a dog", filter: { price: { lt: 2 } } });
    expect(cheap.results.map(({ path }: Found) => path).sort()).toEqual(["a.bmp", "below/b.bmp"]);
  });

  it.each([
    ["nothing", {}, 400],
    ["two things", { text: "a", embedding: [1] }, 400],
    ["a vector of another length", { embedding: [1, 2, 3] }, 400],
    ["no parts", { query: [] }, 400],
    ["a sum of nothing", { query: [{ text: "a" }, { text: "a", weight: -1 }] }, 400],
    ["an unknown column", { text: "a", filter: { _path: "x" } }, 400],
    ["SQL instead of a value", { text: "a", filter: { price: "1 OR true" } }, 400],
    ["too many results", { text: "a", limit: 201 }, 400],
    ["results too far behind", { text: "a", limit: 200, offset: 9900 }, 400],
  ])("refuses %s", async (_what, body, status) => {
    expect(await search(body)).toMatchObject({ status, success: false, code: "INVALID_REQUEST" });
  });
});

describe("an index that is served", () => {
  it("tells what it holds", async () => {
    const reply = await app.inject({ url: "/index", headers });
    const { updated_at, ...facts } = reply.json();
    expect(facts).toEqual({
      ...{ success: true, model: "tiny", precision: "fp32", dimensions: encoder.manifest.dimensions },
      ...{ count: 4, columns: ["price"] },
    });
    expect(Date.now() - Date.parse(updated_at)).toBeLessThan(600_000);
  });

  it("is searched on when it was made anew, and said to be gone until then", async () => {
    const whole = join(folder, "index.lance");
    const aside = join(folder, "aside.lance");
    const again = join(folder, "again.lance");
    await search({ text: "a" }); // what was read of it is remembered
    const args = [executable, "index", join(folder, "pictures/c.bmp"), "--index", again, "--model", model];
    await promisify(execFile)(process.execPath, args);
    try {
      renameSync(whole, aside);
      const error = expect.stringContaining("gone, or is being made anew");
      expect(await search({ text: "a" })).toMatchObject({ status: 409, error });
      renameSync(again, whole);
      const [one, other] = await Promise.all([search({ text: "a" }), search({ text: "b" })]);
      for (const { results } of [one, other]) expect(results.map(({ path }: Found) => path)).toEqual(["c.bmp"]);
      expect((await app.inject({ url: "/index", headers })).json().count).toBe(1);
    } finally {
      renameSync(whole, again);
      renameSync(aside, whole);
    }
    expect((await search({ text: "a" })).results).toHaveLength(4);
  });

  it("is not compared with the vectors of another model that it was made anew with", async () => {
    const facts = join(folder, "index.lance/index.json");
    const before = await readFile(facts, "utf8");
    const { buildId } = JSON.parse(before);
    await writeFile(
      facts,
      before.replace(
        buildId,
        buildId.replace(/^./, (first: string) => (first === "0" ? "1" : "0")),
      ),
    );
    try {
      const refused = { success: false, code: "OUTPUT_REFUSED", error: expect.stringContaining("made with the model") };
      expect(await search({ text: "a" })).toMatchObject({ status: 409, ...refused });
      for (const url of ["/index", "/index/sample"]) {
        const reply = await app.inject({ url, headers });
        expect({ status: reply.statusCode, ...reply.json() }).toMatchObject({ status: 409, ...refused });
      }
    } finally {
      await writeFile(facts, before);
    }
    expect(await search({ text: "a" })).toMatchObject({ status: 200 });
  });

  it.each(["/search", "/index", "/pictures/0123456789abcdef"])("takes no other method at %s", async (url) => {
    const reply = await app.inject({ method: "DELETE", url, headers });
    expect([reply.statusCode, reply.json().code]).toEqual([405, "METHOD_NOT_ALLOWED"]);
  });

  it("gives a sample of its pictures with their vectors, and all of them where they are few", async () => {
    const sample = async (query: string) => (await app.inject({ url: `/index/sample${query}`, headers })).json();
    const all = await sample("");
    expect(all).toMatchObject({ success: true, count: 4 });
    expect(all.pictures.map(({ path }: Found) => path).sort()).toEqual(["a.bmp", "below/b.bmp", "c.bmp", "d.bmp"]);
    const [picture] = all.pictures;
    expect(Object.keys(picture)).toEqual(["id", "path", "columns", "embedding"]);
    const { results } = await search({ embedding: picture.embedding, limit: 1 });
    expect(results[0]).toMatchObject({ id: picture.id, score: expect.closeTo(1, 5) });
    const two = await sample("?limit=2&encoding=base64");
    expect(two.pictures).toHaveLength(2);
    for (const { id, embedding } of two.pictures) {
      const { buffer, byteOffset } = Buffer.from(embedding, "base64");
      const numbers = [...new Float32Array(buffer.slice(byteOffset, byteOffset + encoder.manifest.dimensions * 4))];
      const same = all.pictures.find((it: Found) => it.id === id);
      expect(numbers).toEqual([...Float32Array.from(same.embedding)]);
    }
    expect(await sample("?limit=5001")).toMatchObject({ success: false, code: "INVALID_REQUEST" });
  });

  it("asks for the key like everything else", async () => {
    for (const url of ["/index", "/index/sample", "/pictures/0123456789abcdef"]) {
      expect((await app.inject({ url })).statusCode).toBe(401);
    }
    expect((await app.inject({ method: "POST", url: "/search", payload: { text: "a" } })).statusCode).toBe(401);
  });
});

describe("GET /pictures/:id", () => {
  const picture = (id: string, more = "", etag?: string) =>
    app.inject({ url: `/pictures/${id}${more}`, headers: { ...headers, ...(etag && { "if-none-match": etag }) } });
  const idOf = async (path: string) => {
    const { results } = await search({ text: "a dog" });
    return results.find((found: Found) => found.path === path).id as string;
  };

  it("shows a small WebP, never the file, and knows whether the client has it", async () => {
    const reply = await picture(await idOf("a.bmp"));
    expect(reply.statusCode).toBe(200);
    expect(reply.headers).toMatchObject({
      ...{
        "content-type": "image/webp",
        "cache-control": "private, max-age=3600",
        "x-content-type-options": "nosniff",
      },
    });
    expect(reply.rawPayload.subarray(0, 4).toString()).toBe("RIFF");
    const again = await picture(await idOf("a.bmp"), "?width=256", String(reply.headers.etag));
    expect(again.statusCode).toBe(304);
    for (const etag of [`W/${reply.headers.etag}`, `"other", ${reply.headers.etag}`, "*"]) {
      expect((await picture(await idOf("a.bmp"), "?width=256", etag)).statusCode).toBe(304);
    }
    expect((await picture(await idOf("a.bmp"), "?width=256", '"other"')).statusCode).toBe(200);
    expect((await picture(await idOf("a.bmp"), "?width=512")).rawPayload.length).toBeGreaterThan(
      reply.rawPayload.length,
    );
    expect((await picture(await idOf("a.bmp"), "?width=300")).statusCode).toBe(400);
  });

  it("shows nothing of what is no longer the indexed file: a link, another folder, another content, an unknown id", async () => {
    const [b, c, d] = await Promise.all(["below/b.bmp", "c.bmp", "d.bmp"].map(idOf));
    const at = (path: string) => join(folder, "pictures", path);
    writeFiles(folder, { "secret/b.bmp": bitmap(1, [600, 400]) });
    renameSync(at("below"), at("moved"));
    symlinkSync(join(folder, "secret"), at("below"));
    renameSync(at("c.bmp"), join(folder, "secret/c.bmp"));
    symlinkSync(join(folder, "secret/c.bmp"), at("c.bmp"));
    writeFileSync(at("d.bmp"), bitmap(77, [600, 400]));
    utimesSync(at("d.bmp"), 1, 1);
    for (const id of [b!, c!, d!, "0123456789abcdef", "..%2f..%2fetc%2fpasswd", "'%20OR%201=1"]) {
      expect((await picture(id)).statusCode).toBe(404);
    }
  });
});

describe("an index without pictures", () => {
  it("gives no results, and is no error", async () => {
    const directory = join(folder, "empty.lance");
    writeFiles(folder, { "empty/notes.txt": "" });
    const executable = resolve(import.meta.dirname, "../../bin/image-text-encoder");
    const args = [executable, "index", join(folder, "empty"), "--index", directory, "--model", model];
    await promisify(execFile)(process.execPath, args);
    const empty = await openPictureIndex(directory, encoder.manifest);
    const config = settingsWith(serviceSettings);
    const pictures = createPictures({ index: empty, thumbnailer, maxImageBytes: config.maxImageBytes });
    const search = { index: empty, pictures };
    const service = createApp({ encoder, config, metrics: createMetrics(), version: "1.2.3", search });
    const found = await service.inject({ method: "POST", url: "/search", payload: { text: "a dog" } });
    expect([found.statusCode, found.json().results]).toEqual([200, []]);
    expect((await service.inject({ url: "/index" })).json()).toMatchObject({ success: true, count: 0, columns: [] });
    expect((await service.inject({ url: "/pictures/0123456789abcdef" })).statusCode).toBe(404);
    await service.close();
    empty.close();
  });
});

describe("a service without an index", () => {
  it("has no such routes", async () => {
    const plain = createApp({
      encoder,
      config: settingsWith(serviceSettings),
      metrics: createMetrics(),
      version: "1.2.3",
    });
    expect((await plain.inject({ url: "/index" })).statusCode).toBe(404);
    expect((await plain.inject({ method: "POST", url: "/search", payload: { text: "a" } })).statusCode).toBe(404);
    await plain.close();
  });
});
