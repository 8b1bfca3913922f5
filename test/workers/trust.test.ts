import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { resolveModel } from "../../src/build/resolve.ts";
import { packageVersion } from "../../src/host/package.ts";
import { parseQueueAddress } from "../../src/queue/address.ts";
import { openConnection } from "../../src/queue/bullmq.ts";
import { modelFacts } from "../../src/queue/model-facts.ts";
import { type Shard, shardId } from "../../src/queue/shard.ts";
import { bitmap, writeFiles, writePictures } from "../support/pictures.ts";
import { runCli } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";
import { endGently, place, readText, ready, resultOf, servePictures, startRun, startWorker } from "./support/run.ts";
import { engines, startRedis } from "./support/servers.ts";

let model: string;
let otherModel: string;
beforeAll(async () => {
  model = await buildTinyModel();
  otherModel = await buildTinyModel("int8");
});

describe.each(engines)("a forged job in %s", (_, start) => {
  it("fails with its reason, and neither reads nor writes anything", async () => {
    const { url: queue } = await start();
    const here = await place();
    writeFiles(here.folder, { "secret.bmp": bitmap(99) });
    writePictures(join(here.folder, "photos"), 6);
    const call = { model, queue, out: here.out };
    const flags = ["--root", join(here.folder, "photos")];
    const worker = await ready(startWorker(call, ...flags));
    expect(await startRun(call, join(here.folder, "photos"), "--shard-size", "4").ended).toMatchObject({ code: 0 });
    const before = resultOf(here.out);

    const { id: run } = JSON.parse(readText(join(here.out, ".queue/run.json")));
    const { manifest } = await resolveModel({ model, modelsDir: here.folder });
    const own = modelFacts(manifest, "image", await packageVersion());
    const shard = (file: string): Shard => ({
      ...{ run, model: own, tower: "image", format: "npy", dtype: "float32", part: 0 },
      rows: [{ key: "k", name: "n", input: { file } }],
    });
    const { bullmq, name, options, backend } = await openConnection(parseQueueAddress(queue), "image-text-encoder");
    const jobs = new bullmq.Queue(name, options as never, backend as never);
    onTestFinished(() => jobs.close());
    const outside = [join(here.folder, "secret.bmp"), join(here.folder, "photos/../secret.bmp"), "/etc/passwd"];
    for (const file of outside) await jobs.add("shard", shard(file), { jobId: shardId(shard(file)) });
    await jobs.add("shard", { out: "/etc", rows: "all" }, { jobId: "nonsense" });
    await jobs.add("shard", shard("/etc/passwd"), { jobId: "another-id" });
    expect((await worker.ended).code).toBe(2); // it could do nothing of what it got
    expect(worker.output()).toContain("lies below no --root");
    const reasons = (await jobs.getFailed()).map(({ failedReason }) => failedReason).sort();
    expect(reasons).toEqual([
      expect.stringMatching(/^The job is no shard: /),
      "The job's id is not that of its shard.",
    ]);
    expect(resultOf(here.out)).toEqual(before);
  });
});

describe("a link below a root that leads outside", () => {
  it("is not followed by a worker", async () => {
    const { url: queue } = await startRedis();
    const here = await place();
    writeFiles(here.folder, {
      "secret.bmp": bitmap(99),
      "photos/list.txt": "a.bmp\nlink.bmp\n",
      "photos/a.bmp": bitmap(1),
    });
    symlinkSync("../secret.bmp", join(here.folder, "photos/link.bmp"));
    const call = { model, queue, out: here.out };
    await ready(startWorker(call, "--root", join(here.folder, "photos")));
    const { code, stdout } = await startRun(call, join(here.folder, "photos/list.txt")).ended;
    expect({ code, stdout }).toEqual({
      code: 3,
      stdout: expect.stringContaining("1 encoded, 0 known already, 1 failed"),
    });
    expect(readText(join(here.out, "errors.jsonl"))).toContain("outside of the folders that may be read");
  });
});

describe.each(engines)("a worker with another model at a queue in %s", (_, start) => {
  it("refuses with a sentence and ends, and another one does the work", async () => {
    const { url: queue } = await start();
    const here = await place();
    const pictures = await servePictures(here.folder, 10);
    const wrong = await ready(startWorker({ model: otherModel, queue, out: here.out }));
    const run = startRun({ model, queue, out: here.out }, pictures.list, "--shard-size", "5");
    await run.says("a worker refused a shard: The shard is for tiny");
    expect((await wrong.ended).code).toBe(2);
    const right = await ready(startWorker({ model, queue, out: here.out }));
    expect(await run.ended).toMatchObject({ code: 0 });
    expect(await endGently(right)).toBe(0);
  });
});

describe("the password of a queue", () => {
  it("may come from the environment, and is told nowhere", async () => {
    const password = "correct-horse";
    const { url: queue } = await startRedis({ password });
    const here = await place();
    const pictures = await servePictures(here.folder, 3);
    const call = { model, queue, out: here.out, env: { QUEUE_PASSWORD: password, LOG_LEVEL: "debug" } };
    const worker = await ready(startWorker(call));
    const run = startRun(call, pictures.list);
    expect(await run.ended).toMatchObject({ code: 0 });
    const wrongUrl = queue.replace("//", "//:wrong-horse@");
    const refused = await runCli(["queue", "status"], { QUEUE: wrongUrl, LOG_LEVEL: "debug" });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("WRONGPASS") });
    const all = worker.output() + run.output() + refused.stderr + refused.stdout;
    expect(all).not.toMatch(/horse/);
    expect(readText(join(here.out, ".queue/run.json"))).not.toMatch(/horse/);
  });
});

describe("a Redis that may drop jobs", () => {
  it("is warned of", async () => {
    const { url: queue } = await startRedis({ policy: "allkeys-lru" });
    const { stderr, code } = await runCli(["queue", "status"], { QUEUE: queue });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("maxmemory-policy allkeys-lru") });
  });
});

describe("a queue that is not there", () => {
  it("ends the command with its address and without its password", async () => {
    const { code, stderr } = await runCli(["queue", "status"], { QUEUE: "redis://:secret@127.0.0.1:1/0" });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("redis://127.0.0.1:1/0 cannot be used"),
    });
    expect(stderr).not.toContain("secret");
  });
});
