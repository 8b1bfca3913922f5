import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { Running } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";
import { place, resultOf, servePictures, singleRun, startRun, startWorker } from "./support/run.ts";
import { engines } from "./support/servers.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});

/** What is killed, and when: as soon as a file of the output is begun or there. */
const kills = [
  ["worker", "img_emb/img_emb_1.npy"], // before its metadata and its mark
  ["lister", "metadata/metadata_3.parquet"],
  ["worker", ".queue/0/5.json"], // before the queue hears of it
  ["server", "img_emb/img_emb_7.npy"],
  ["all", "img_emb/img_emb_9.npy"],
] as const;

/** Resolves when the file is begun or there. */
async function appears(out: string, path: string): Promise<void> {
  const unfinished = join(out, ".queue/unfinished");
  const isBegun = () => readdirSync(unfinished).some((name) => name.startsWith(path.replaceAll("/", "-")));
  while (!existsSync(join(out, path)) && !(existsSync(unfinished) && isBegun())) await sleep(1);
}

async function kill({ child, ended }: Running): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}

describe.each(engines)("a run in %s of which everything is killed once", (_, start) => {
  it("while parts and marks are written gives the bytes of a run on one machine", async () => {
    const server = await start();
    const here = await place();
    const pictures = await servePictures(here.folder, 60);
    const call = { model, queue: server.url, out: here.out };
    let worker = startWorker(call);
    let lister = startRun(call, pictures.list, "--shard-size", "5");
    for (const [victim, moment] of kills) {
      await appears(here.out, moment);
      if (victim === "worker" || victim === "all") await kill(worker);
      if (victim === "lister" || victim === "all") await kill(lister);
      if (victim === "server" || victim === "all") await server.kill();
      if (victim === "server" || victim === "all") await server.start();
      if (victim === "worker" || victim === "all") worker = startWorker(call);
      if (victim === "lister" || victim === "all") lister = startRun(call, pictures.list, "--shard-size", "5");
    }
    const { code, stdout } = await lister.ended;
    const [, encoded, known] = /(\d+) encoded, (\d+) known already/.exec(stdout)!.map(Number);
    expect({ code, all: encoded! + known! }).toEqual({ code: 0, all: 60 });
    const single = await singleRun(here, { model, input: pictures.list, shardSize: 5 });
    expect(resultOf(here.out)).toEqual(single.files);
  }, 900_000); // a dozen processes are started, and leases run out: half a minute where nothing else runs
});
