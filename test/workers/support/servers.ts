import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "../../support/checkpoints.ts";
import { freePort } from "../../support/ports.ts";
import {
  type LaunchedServer,
  launchPostgres,
  launchRedis,
  type RedisSetup,
  serverOf,
} from "../../support/queue-servers.ts";

/** A Redis of its own for the test, which keeps every command on disk before it answers. */
export async function startRedis(setup: RedisSetup = {}): Promise<LaunchedServer> {
  return untilTestEnds(await launchRedis(await temporaryFolder(), setup));
}

/** A PostgreSQL of its own for the test. */
export async function startPostgres(): Promise<LaunchedServer> {
  return untilTestEnds(await launchPostgres(await temporaryFolder()));
}

/** Both kinds of server that a queue can lie in, for `describe.each`. */
export const engines = [
  ["Redis", () => startRedis()],
  ["PostgreSQL", startPostgres],
] as const;

/** What speaks S3: PyPI's moto. */
export async function startMoto(): Promise<{ endpoint: string }> {
  const port = await freePort();
  const program = resolve(import.meta.dirname, "../../../node_modules/.cache/queue-python/bin/moto_server");
  const server = serverOf(() => spawn(program, ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" }), port);
  untilTestEnds(server);
  await server.start();
  return { endpoint: `http://127.0.0.1:${port}` };
}

function untilTestEnds<T extends Pick<LaunchedServer, "kill">>(server: T): T {
  onTestFinished(() => server.kill());
  return server;
}
