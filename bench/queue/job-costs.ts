import { Queue, Worker } from "bullmq";
import pg from "pg";
import { parseQueueAddress } from "../../src/queue/address.ts";
import { openConnection } from "../../src/queue/bullmq.ts";
import { openQueue } from "../../src/queue/queue.ts";
import { type Shard, shardId } from "../../src/queue/shard.ts";
import type { LaunchedServer } from "../../test/support/queue-servers.ts";
import { facts, urlOf } from "./stand-in.ts";
import { processorSeconds } from "./stand-in-run.ts";

const name = "bytes";
const jobs = 400;

/** @returns how many bytes one waiting job takes in the server: in memory for Redis, on disk for PostgreSQL */
export async function jobBytes({ url }: LaunchedServer, shardSize: number): Promise<number> {
  const address = parseQueueAddress(url);
  const queue = await openQueue({ address, name, onTrouble: console.error });
  try {
    const before = await usedBytes(url);
    for (let part = 0; part < jobs; part++) {
      const shard = shardOf(part, shardSize);
      await queue.add(shardId(shard), shard);
    }
    const bytes = ((await usedBytes(url)) - before) / jobs;
    await queue.drain();
    return bytes;
  } finally {
    await queue.close();
  }
}

function shardOf(part: number, shardSize: number): Shard {
  return {
    ...({ run: "0".repeat(32), model: facts, tower: "image", format: "npy", dtype: "float32", part } as const),
    rows: Array.from({ length: shardSize }, (_, row) => {
      const url = urlOf(part * shardSize + row);
      return { key: String(part * shardSize + row), name: url, input: { url } };
    }),
  };
}

async function usedBytes(url: string): Promise<number> {
  const { connection } = parseQueueAddress(url);
  if ("connectionString" in connection) {
    const client = new pg.Client(connection);
    await client.connect();
    const { rows } = await client.query("select pg_database_size(current_database()) as bytes");
    await client.end();
    return Number(rows[0].bytes);
  }
  const queue = new Queue(name, { connection });
  const { client } = queue.getBackend() as unknown as { client: Promise<{ info(): Promise<string> }> }; // that of Redis
  const info = await (await client).info();
  await queue.close();
  return Number(/^used_memory:(\d+)/m.exec(info)![1]);
}

/** @returns the server's processor time for one renewal of a lease, in seconds */
export async function renewalSeconds(server: LaunchedServer): Promise<number> {
  const { options, backend } = await openConnection(parseQueueAddress(server.url), "renewals");
  const queue = new Queue("renewals", options as never, backend as never); // options of the backend that was chosen
  await queue.add("shard", {});
  const worker = new Worker("renewals", null, options as never, backend as never);
  const job = (await worker.getNextJob("token"))!;
  const before = processorSeconds(server.pid());
  const renewals = 5000;
  for (let i = 0; i < renewals; i++) await job.extendLock("token", 30_000);
  const seconds = (processorSeconds(server.pid()) - before) / renewals;
  await job.moveToCompleted("", "token", false);
  await worker.close();
  await queue.close();
  return seconds;
}
