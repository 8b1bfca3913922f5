import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { pack } from "tar-stream";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createThumbnailer } from "../../src/image/thumbnail.ts";
import { openModel } from "../../src/model/folder.ts";
import { openPictureIndex } from "../../src/search/picture-index.ts";
import { createPictures } from "../../src/search/pictures.ts";
import { temporaryFolder } from "../support/checkpoints.ts";
import { collect } from "../support/collect.ts";
import { serve } from "../support/loopback.ts";
import { bitmap, writeFiles } from "../support/pictures.ts";
import { runCli } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});

/** Runs `index`, and expects that it does what is said. */
async function update(directory: string, ...args: string[]) {
  const { code, stdout } = await runCli(["index", ...args, "--index", directory, "--model", model]);
  expect(code, stdout).toBe(0);
  return stdout;
}

async function openPictures(directory: string) {
  const { manifest } = await openModel(model);
  const index = await openPictureIndex(directory, manifest);
  const config = settingsWith(serviceSettings);
  const thumbnailer = createThumbnailer(config);
  onTestFinished(async () => {
    index.close();
    await thumbnailer.close();
  });
  const pictures = createPictures({ index, thumbnailer, maxImageBytes: config.maxImageBytes });
  const show = (id: string, width = 256) => pictures.read(id, { width, signal: AbortSignal.timeout(60_000) });
  const ids = async () => {
    const vector = new Float32Array(manifest.dimensions).fill(manifest.dimensions ** -0.5);
    const rows = await index.search({ vector, limit: 100 });
    return new Map(rows.map(({ id, path }) => [path.split("/").at(-1)!, id]));
  };
  return { show, ids };
}

/** Counts the thumbnails of pictures that are no files. */
const kept = (directory: string) =>
  existsSync(join(directory, "thumbnails"))
    ? readdirSync(join(directory, "thumbnails"), { recursive: true }).filter((name) => /\.webp$/.test(String(name)))
        .length
    : 0;

async function tarOf(members: Record<string, Buffer>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(members)) tar.entry({ name }, content);
  tar.finalize();
  return Buffer.concat(await collect<Buffer>(tar));
}

describe("pictures of an index", () => {
  it("from a tar and from URLs have thumbnails, which need neither when they are shown, and go with their rows", async () => {
    const folder = await temporaryFolder();
    const directory = join(folder, "index.lance");
    const { port, server } = await serve((_request, reply) => reply.end(bitmap(7, [600, 400])));
    const tar = join(folder, "shard.tar");
    writeFileSync(tar, await tarOf({ "a.bmp": bitmap(1, [600, 400]), "b.bmp": bitmap(2, [20, 10]) }));
    const list = join(folder, "list.txt");
    writeFileSync(list, `http://127.0.0.1:${port}/url.bmp\n`);
    await update(directory, tar, list, "--allow-private-urls");
    server.closeAllConnections();
    server.close();
    writeFileSync(tar, "");

    const { show, ids } = await openPictures(directory);
    const before = await ids();
    const sizeOf = async (name: string, width?: number) => {
      const picture = await show(before.get(name)!, width);
      const { format, width: w, height: h } = await sharp(picture!.bytes).metadata();
      return [format, w, h];
    };
    expect(await sizeOf("a.bmp")).toEqual(["webp", 256, 171]);
    expect(await sizeOf("b.bmp")).toEqual(["webp", 20, 10]);
    expect(await sizeOf("url.bmp", 1600)).toEqual(["webp", 256, 171]);
    expect(kept(directory)).toBe(3);

    writeFileSync(tar, await tarOf({ "a.bmp": bitmap(1, [600, 400]) }));
    expect(await update(directory, tar, "--prune")).toContain("1 removed");
    expect(await show(before.get("b.bmp")!)).toBeUndefined();
    expect(await show(before.get("a.bmp")!)).toBeDefined();
    expect(kept(directory)).toBe(2);
  }, 60_000);

  it("follow the index while another process updates it: a new one is shown, one that is gone or has changed is not", async () => {
    const folder = await temporaryFolder();
    const directory = join(folder, "index.lance");
    writeFiles(folder, { "in/a.bmp": bitmap(1), "in/b.bmp": bitmap(2) });
    await update(directory, join(folder, "in"));
    const { show, ids } = await openPictures(directory);
    const before = await ids();
    writeFiles(folder, { "in/b.bmp": bitmap(3, [40, 30]), "in/c.bmp": bitmap(4) });
    expect(await show(before.get("b.bmp")!)).toBeUndefined(); // it is not the indexed picture any more
    await update(directory, join(folder, "in"));
    const after = await ids();
    expect([...after.keys()].sort()).toEqual(["a.bmp", "b.bmp", "c.bmp"]);
    for (const id of after.values()) expect(await show(id)).toBeDefined();
    await update(directory, join(folder, "in"), "--prune", "--exclude", "a.bmp");
    expect(await show(before.get("a.bmp")!)).toBeUndefined(); // the file is there, and indexed no more
  }, 60_000);

  it("of an index that holds none are none", async () => {
    const folder = await temporaryFolder();
    writeFiles(folder, { "in/notes.txt": "" });
    await update(join(folder, "index.lance"), join(folder, "in"));
    const { show, ids } = await openPictures(join(folder, "index.lance"));
    expect((await ids()).size).toBe(0);
    expect(await show("0123456789abcdef")).toBeUndefined();
  });
});
