import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseQueueAddress } from "../../src/queue/address.ts";
import { openConnection } from "../../src/queue/bullmq.ts";
import { writeFiles, writePictures } from "../support/pictures.ts";
import { type Outcome, runCli } from "../support/run-cli.ts";
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
import { engines, startRedis } from "./support/servers.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});

describe.each(engines)("the same run twice with a queue in %s", (_, start) => {
  it("at the same time does each shard once; later it does nothing", async () => {
    const { url: queue } = await start();
    const here = await place();
    const pictures = await servePictures(here.folder, 40);
    const call = { model, queue, out: here.out };
    pictures.holdFrom(0);
    const runs = [1, 2].map(() => startRun(call, pictures.list, "--shard-size", "5", "--queue-ahead", "3"));
    await ready(startWorker(call));
    await pictures.held(5); // the trial, which is no larger than a shard
    pictures.release();
    for (const run of runs)
      expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("40 encoded") });
    expect(Math.max(...[...pictures.asked].filter(([number]) => number >= 5).map(([, times]) => times))).toBe(1);
    const single = await singleRun(here, { model, input: pictures.list, shardSize: 5 });
    expect(resultOf(here.out)).toEqual(single.files);
    const again = await startRun(call, pictures.list, "--shard-size", "5").ended;
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("0 encoded, 40 known already") });
  });

  it("does what changed, drops what is gone, and refuses other settings", async () => {
    const { url: queue } = await start();
    const here = await place();
    const photos = join(here.folder, "photos");
    writePictures(photos, 12);
    const call = { model, queue, out: here.out };
    const flags = ["--shard-size", "5", "--include", "*.bmp"];
    await ready(startWorker(call, "--root", photos));
    const run = () => startRun(call, photos, ...flags).ended;
    expect((await run()).stdout).toContain("12 encoded");
    writeFiles(photos, { "2/picture 9.bmp": "torn" });
    const changed: Outcome = await run();
    expect(changed).toMatchObject({ code: 3, stdout: expect.stringMatching(/known already, 1 failed/) });
    const single = await singleRun(here, { model, input: photos, shardSize: 5 });
    expect(resultOf(here.out)).toEqual(single.files);
    const other = await startRun(call, photos, "--shard-size", "6").ended;
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("begun with --shard-size 5") });
  });
});

describe("queue", () => {
  it("tells what waits, and empties a queue that nobody works on", async () => {
    const { url: queue } = await startRedis();
    const here = await place();
    const pictures = await servePictures(here.folder, 6);
    const run = startRun({ model, queue, out: here.out }, pictures.list);
    const status = async () => (await runCli(["queue", "status"], { QUEUE: queue })).stdout;
    while (!(await status()).startsWith("waiting 1, active 0, failed 0"));
    run.child.kill("SIGINT");
    expect((await run.ended).code).toBe(130);
    expect((await runCli(["queue", "drain"], { QUEUE: queue })).stdout).toContain("1 waiting and 0 failed shards");
    expect(await status()).toContain("waiting 0, active 0, failed 0");
  });

  it.each(engines)("in %s gives failed shards to the workers again", async (_, start) => {
    const { url: queue } = await start();
    const here = await place();
    const pictures = await servePictures(here.folder, 6);
    const call = { model, queue, out: here.out };
    const command = async (name: string) => (await runCli(["queue", name], { QUEUE: queue })).stdout;
    const run = startRun(call, pictures.list);
    const { bullmq, name, options, backend } = await openConnection(parseQueueAddress(queue), "image-text-encoder");
    const refuse = () => Promise.reject(new bullmq.UnrecoverableError("The disk of this worker is broken."));
    const broken = new bullmq.Worker(name, refuse, options as never, backend as never);
    expect(await run.ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("disk of this worker is broken"),
    });
    await broken.close();
    expect(await command("status")).toMatch(/failed 1\n[\s\S]*The disk of this worker is broken/);
    expect(await command("retry")).toBe("1 failed shards wait again\n");
    expect(await command("status")).toMatch(/^waiting 1, active 0, failed 0$/m);
    const worker = await ready(startWorker(call));
    await worker.says("shard done");
    expect(await startRun(call, pictures.list).ended).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("6 encoded"),
    });
    expect(await command("retry")).toBe("0 failed shards wait again\n");
  });

  it("says which settings are wrong", async () => {
    expect(await runCli(["queue", "status"])).toMatchObject({ code: 2, stderr: expect.stringContaining("QUEUE") });
    const { url: queue } = await startRedis();
    const wrong = await runCli(["queue", "fill"], { QUEUE: queue });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("queue status, queue retry, queue drain") });
  });
});

describe.each(engines)("a worker at a queue in %s that is told to end", (_, start) => {
  it("gives back what takes too long, and another one does it", async () => {
    const { here, call } = await opening(start, model);
    const pictures = await servePictures(here.folder, 10);
    pictures.holdFrom(0);
    const first = await ready(startWorker(call, "--drain-timeout-ms", "200", "--metrics-port", "0"));
    const run = startRun(call, pictures.list, "--shard-size", "10");
    await pictures.held(8);
    expect(await endGently(first)).toBe(0);
    pictures.release();
    await ready(startWorker(call));
    expect(await run.ended).toMatchObject({ code: 0 });
    expect(run.output()).not.toContain("a worker died");
  });

  it("tells its metrics until then", async () => {
    const { here, call } = await opening(start, model);
    const pictures = await servePictures(here.folder, 10);
    const worker = startWorker(call, "--metrics-port", "1", "--host", "nowhere.invalid");
    expect((await worker.ended).code).toBe(1);
    const port = String(20_000 + (process.pid % 10_000));
    const other = await ready(startWorker(call, "--metrics-port", port, "--host", "127.0.0.1"));
    await startRun(call, pictures.list, "--shard-size", "10").ended;
    const text = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    expect(await text("/health/ready")).toBe('{"status":"healthy"}');
    const metrics = await text("/metrics");
    expect(metrics).toMatch(/^encoder_shard_inputs_total\{outcome="encoded"\} 18$/m); // the trial of 8 and the shard
    expect(metrics).toMatch(/^encoder_shards\{state="waiting"\} \d+$/m);
    expect(metrics).toMatch(/^encoder_shards_oldest_seconds \d/m);
    expect(await endGently(other)).toBe(0);
  });
});
