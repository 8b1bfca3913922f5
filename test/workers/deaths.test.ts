import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { readJsonLines } from "../support/output.ts";
import type { Running } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";
import {
  endGently,
  opening,
  place,
  ready,
  resultOf,
  servePictures,
  singleRun,
  startRun,
  startWorker,
} from "./support/run.ts";
import { engines, startPostgres, startRedis } from "./support/servers.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});

const kill = async ({ child }: Running) => {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
};

describe.each([
  ["Redis", startRedis, "npy"],
  ["PostgreSQL", startPostgres, "parquet"],
] as const)("three workers at a queue in %s", (_, start, format) => {
  it("of which two are killed in the middle give the bytes of a run on one machine", async () => {
    const { here, call } = await opening(start, model);
    const pictures = await servePictures(here.folder, 60);
    const workers = await Promise.all([1, 2, 3].map(() => ready(startWorker(call))));
    pictures.holdFrom(16);
    const run = startRun(call, pictures.list, "--shard-size", "8", "--format", format);
    await pictures.held(24); // a shard of each worker
    await kill(workers[0]!);
    await kill(workers[1]!);
    pictures.release();
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("60 encoded, 0 known") });
    expect(await endGently(workers[2]!)).toBe(0);
    const single = await singleRun(here, { model, input: pictures.list, shardSize: 8 }, "--format", format);
    expect(resultOf(here.out)).toEqual(single.files);
  });
});

describe.each(engines)("a restart of %s", (_, start) => {
  it("in the middle of a run loses nothing, if it keeps its commands on disk", async () => {
    const server = await start();
    const here = await place();
    const pictures = await servePictures(here.folder, 40);
    const call = { model, queue: server.url, out: here.out };
    const worker = await ready(startWorker(call));
    pictures.holdFrom(10);
    const run = startRun(call, pictures.list, "--shard-size", "5", "--format", "jsonl");
    await pictures.held(10);
    await server.kill();
    pictures.release();
    await worker.says("the queue is in trouble");
    await server.start();
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("40 encoded") });
    const single = await singleRun(here, { model, input: pictures.list, shardSize: 5 }, "--format", "jsonl");
    expect(resultOf(here.out)).toEqual(single.files);
  });
});

describe.each(engines)("a picture that kills whoever takes it from a queue in %s", (_, start) => {
  it("is found among its shard's, listed as poison, and costs nothing else", async () => {
    const { here, call } = await opening(start, model);
    const poison = 13;
    const workers = new Map<string, Running>();
    let deaths = 0;
    const pictures = await servePictures(here.folder, 24, (number, name) => {
      if (number !== poison || !workers.has(name)) return;
      deaths++;
      workers.get(name)!.child.kill("SIGKILL");
      hire();
    });
    const hire = () => {
      const name = `worker-${workers.size}`;
      workers.set(name, startWorker(call, "--fetch-user-agent", name));
    };
    hire();
    const run = startRun(call, pictures.list, "--shard-size", "8");
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stdout }).toEqual({ code: 3, stdout: expect.stringContaining("1 inputs killed workers") });
    expect(stdout).toContain("23 encoded");
    expect(stderr).toContain("a worker died");
    expect(deaths).toBe(4);
    expect(readJsonLines(`${here.out}/errors.jsonl`)).toEqual([
      { input: expect.stringContaining(`/${poison}.bmp`), code: "POISON_INPUT", error: expect.any(String) },
    ]);
  });
});

describe.each(engines)("a shard in %s that takes many times the lease", (_, start) => {
  it("stays with its worker, which renews it", async () => {
    const { here, call } = await opening(start, model);
    const pictures = await servePictures(here.folder, 20);
    await ready(startWorker(call));
    await ready(startWorker(call)); // whichever has not got the shard would take it
    pictures.holdFrom(8); // behind the trial's
    const run = startRun(call, pictures.list, "--shard-size", "20");
    await pictures.held(12);
    await sleep(6000);
    pictures.release();
    expect(await run.ended).toMatchObject({ code: 0 });
    expect(run.output()).not.toContain("a worker died");
    expect(Math.max(...pictures.asked.values())).toBe(2); // the trial and the shard
  });
});

describe.each(engines)("a worker at a queue in %s that stands still for longer than its lease", (_, start) => {
  it("says that the lease ran out, takes it for no trouble of the queue, and another one does the shard", async () => {
    const { here, call } = await opening(start, model);
    const pictures = await servePictures(here.folder, 20);
    const still = await ready(startWorker(call));
    pictures.holdFrom(8); // behind the trial's
    const run = startRun(call, pictures.list, "--shard-size", "20");
    await pictures.held(12);
    still.child.kill("SIGSTOP");
    await ready(startWorker(call));
    await pictures.held(24); // by the other one, too
    still.child.kill("SIGCONT");
    await still.says("lease ran out");
    pictures.release();
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("20 encoded") });
    expect(await endGently(still)).toBe(0);
    expect(still.output()).not.toContain("trouble");
    const single = await singleRun(here, { model, input: pictures.list, shardSize: 20 });
    expect(resultOf(here.out)).toEqual(single.files);
  });
});
