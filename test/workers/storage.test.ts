import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { s3Store } from "../../src/queue/s3-store.ts";
import { buildTinyModel } from "../support/tiny-model.ts";
import { marksIn, place, ready, resultOf, servePictures, singleRun, startRun, startWorker } from "./support/run.ts";
import { engines, startMoto, startRedis } from "./support/servers.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});

async function bucket() {
  const { endpoint } = await startMoto();
  const env = {
    AWS_ENDPOINT_URL_S3: endpoint,
    ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" },
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const client = new S3Client({ forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: "vectors" }));
  return { env, client };
}

async function objects(client: S3Client, prefix: string): Promise<Record<string, string>> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: "vectors", Prefix: prefix }));
  const files: Record<string, string> = {};
  for (const { Key } of Contents) {
    if (Key!.startsWith(`${prefix}/.queue/`)) continue;
    const { Body } = await client.send(new GetObjectCommand({ Bucket: "vectors", Key: Key! }));
    files[Key!.slice(prefix.length + 1)] = await Body!.transformToString("base64");
  }
  return files;
}

describe.each(engines)("an output in S3 of a queue in %s", (_, start) => {
  it("gets the bytes of a run on one machine, and a second run finds all done", async () => {
    const { url: queue } = await start();
    const { env, client } = await bucket();
    const here = await place();
    const pictures = await servePictures(here.folder, 20);
    const call = { model, queue, out: "s3://vectors/runs/7", env };
    await Promise.all([1, 2].map(() => ready(startWorker(call))));
    expect(await startRun(call, pictures.list, "--shard-size", "6").ended).toMatchObject({ code: 0 });
    const single = await singleRun(here, { model, input: pictures.list, shardSize: 6 });
    expect(await objects(client, "runs/7")).toEqual(single.files);
    const again = await startRun(call, pictures.list, "--shard-size", "6").ended;
    expect(again.stdout).toContain("0 encoded, 20 known already");
  });

  it("gets them too where a worker is killed in the middle and the call is killed and made again", async () => {
    const { url: queue } = await start();
    const { env, client } = await bucket();
    const here = await place();
    const pictures = await servePictures(here.folder, 30);
    const call = { model, queue, out: "s3://vectors/runs/8", env };
    const first = await ready(startWorker(call));
    pictures.holdFrom(10);
    const killed = startRun(call, pictures.list, "--shard-size", "5");
    await pictures.held(10);
    for (const { child, ended } of [first, killed]) {
      child.kill("SIGKILL");
      await ended;
    }
    pictures.release();
    await ready(startWorker(call));
    const { code, stdout } = await startRun(call, pictures.list, "--shard-size", "5").ended;
    expect(code).toBe(0);
    const [, encoded, known] = /(\d+) encoded, (\d+) known already/.exec(stdout)!.map(Number);
    expect(encoded! + known!).toBe(30);
    const single = await singleRun(here, { model, input: pictures.list, shardSize: 5 });
    expect(await objects(client, "runs/8")).toEqual(single.files);
  });
});

describe("an output in S3", () => {
  it("takes a large file piece by piece, and creates one only if there is none", async () => {
    const { client } = await bucket();
    const store = await s3Store("s3://vectors/pieces/");
    const large = Buffer.alloc(20 * 1024 * 1024, "0123456789abcdefg");
    await store.put("large", [large.subarray(0, 5), large.subarray(5, 15_000_000), large.subarray(15_000_000)]);
    expect(Buffer.from((await store.get("large"))!).equals(large)).toBe(true);
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: "vectors", Prefix: "pieces/" }));
    expect(Contents).toHaveLength(1);
    expect([await store.create("one", Buffer.from("a")), await store.create("one", Buffer.from("b"))]).toEqual([
      true,
      false,
    ]);
    expect(Buffer.from((await store.get("one"))!).toString()).toBe("a");
    expect([await store.has("one"), await store.has("none"), await store.get("none")]).toEqual([
      true,
      false,
      undefined,
    ]);
    await store.remove("one");
    await store.remove("one");
    expect(await store.has("one")).toBe(false);
  });

  it("that is not there ends a worker with the name of the trouble", async () => {
    const { url: queue } = await startRedis();
    const { env } = await bucket();
    const here = await place();
    const pictures = await servePictures(here.folder, 3);
    const run = await startRun({ model, queue, out: "s3://nowhere/x", env }, pictures.list).ended;
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining("NoSuchBucket") });
  });
});

describe.each(engines)("a shared folder that goes away in the middle of a run in %s", (_, start) => {
  it("ends the worker, and what it had is done when the folder is there again", async () => {
    const { url: queue } = await start();
    const here = await place();
    const pictures = await servePictures(here.folder, 30);
    const call = { model, queue, out: here.out };
    const worker = await ready(startWorker(call));
    pictures.holdFrom(10);
    const run = startRun(call, pictures.list, "--shard-size", "5");
    await pictures.held(10);
    const away = join(here.folder, "away");
    renameSync(here.out, away);
    mkdirSync(here.out); // what a mount point shows when nothing is mounted
    pictures.release();
    expect(await worker.ended).toMatchObject({ code: 1 });
    expect(worker.output()).toContain("its share went away");
    rmSync(here.out, { recursive: true });
    renameSync(away, here.out);
    const done = marksIn(here.out).length;
    await ready(startWorker(call));
    expect(await run.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("30 encoded") });
    expect(done).toBeLessThan(6);
    const single = await singleRun(here, { model, input: pictures.list, shardSize: 5 });
    expect(resultOf(here.out)).toEqual(single.files);
  });
});
