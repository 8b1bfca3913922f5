/**
 * `npm run bench:queue` measures what a queued run costs beside its pictures: a stand-in engine does 10,000, 100,000 and
 * 1,000,000 references through a real Redis, and 100,000 through a real PostgreSQL. Every vector is counted, and the
 * simulation, which is fed with the costs of the second run, foretells the third. It takes some two minutes, and writes
 * queue.json into bench/results/ and a section of docs/scale.md; `npm run simulate` goes on from there.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type LaunchedServer, launchPostgres, launchRedis } from "../../test/support/queue-servers.ts";
import { jobBytes, renewalSeconds } from "./job-costs.ts";
import { reportRuns } from "./report-runs.ts";
import { standInRun } from "./stand-in-run.ts";

const { values: flags } = parseArgs({ options: { most: { type: "string", default: "1000000" } } });
const shardSize = 500;
const most = Number(flags.most);

const [folder, postgresFolder] = [await mkdtemp(join(tmpdir(), "queue-")), await mkdtemp(join(tmpdir(), "queue-"))];
const servers: LaunchedServer[] = [];
try {
  const redis = await launchRedis(folder, { fsync: "everysec" });
  servers.push(redis);
  const postgres = await launchPostgres(postgresFolder, { durable: true });
  servers.push(postgres);
  const run = async (queue: string, server: LaunchedServer, count: number, workers: number) => {
    const report = await standInRun({ server, count, shardSize, workers, folder });
    console.log(queue, count, JSON.stringify(report));
    return { queue, count, workers, report };
  };
  const memory = {
    redisJobBytes: await jobBytes(redis, shardSize),
    postgresJobBytes: await jobBytes(postgres, shardSize),
    renewalSeconds: await renewalSeconds(redis),
  };
  const small = await run("Redis", redis, most / 100, 1);
  const known = await run("Redis", redis, most / 10, 1);
  const other = await run("PostgreSQL", postgres, most / 10, 1);
  const foretold = await run("Redis", redis, most, 2);
  await reportRuns({ shardSize, memory, known, foretold, others: [small, other] });
} finally {
  await Promise.all(servers.map((server) => server.kill()));
  await Promise.all([folder, postgresFolder].map((one) => rm(one, { recursive: true, force: true })));
}
process.exit(0);
