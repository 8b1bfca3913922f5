import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { beforeAll, describe, expect, it } from "vitest";
import { bitmap } from "../support/pictures.ts";
import { buildTinyModel } from "../support/tiny-model.ts";
import { opening, ready, resultOf, singleRun, startRun, startWorker } from "./support/run.ts";
import { engines } from "./support/servers.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});

describe.each(engines)("a queued run in %s", (_, start) => {
  it("of texts gives the bytes of a run on one machine", async () => {
    const { here, call } = await opening(start, model);
    const list = join(here.folder, "texts.txt");
    writeFileSync(list, Array.from({ length: 23 }, (_, i) => `${"word ".repeat(i % 5)}Fahrräder ${i}\n`).join(""));
    await ready(startWorker(call));
    const run = await startRun(call, list, "--text", "--shard-size", "5").ended;
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining("23 encoded") });
    const single = await singleRun(here, { model, input: list, shardSize: 5 }, "--text");
    expect(resultOf(here.out)).toEqual(single.files);
  });

  it("of a plain tar reads its pictures at their places", async () => {
    const { here, call } = await opening(start, model);
    const photos = join(here.folder, "photos");
    mkdirSync(photos);
    const input = join(photos, "pictures.tar");
    const tar = pack();
    for (let i = 0; i < 18; i++) {
      tar.entry({ name: `${i}.bmp` }, bitmap(i));
      tar.entry({ name: `${i}.txt` }, `picture ${i}`);
    }
    tar.entry({ name: "torn.bmp" }, "torn");
    tar.finalize();
    await pipeline(tar, createWriteStream(input));
    await ready(startWorker(call, "--root", photos));
    const run = await startRun(call, input, "--shard-size", "7").ended;
    expect(run).toMatchObject({ code: 3, stdout: expect.stringContaining("18 encoded, 0 known already, 1 failed") });
    const single = await singleRun(here, { model, input, shardSize: 7 });
    expect(resultOf(here.out)).toEqual(single.files);
  });
});
