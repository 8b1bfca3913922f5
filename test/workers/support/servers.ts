import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "../../support/checkpoints.ts";
import { freePort, isListening } from "../../support/ports.ts";

export interface QueueServer {
  url: string;
  /** Ends the server at once, as a power failure would. */
  kill(): Promise<void>;
  /** Starts it again with what it has on its disk. */
  start(): Promise<void>;
}

/** A Redis of its own for the test, which keeps every command on disk before it answers. */
export async function startRedis({ password = "", policy = "noeviction" } = {}): Promise<QueueServer> {
  const port = await freePort();
  const folder = await temporaryFolder();
  const own = password === "" ? [] : ["--requirepass", password];
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes"];
  const more = ["--appendfsync", "always", "--maxmemory-policy", policy, ...own];
  const server = processOf(() => spawn("redis-server", [...args, ...more], { stdio: "ignore" }), port);
  await server.start();
  return { url: `redis://127.0.0.1:${port}/0`, ...server };
}

const passwordOfPostgres = "a&b c/d"; // needs escapes in a URL

/** A PostgreSQL of its own for the test. It refuses to run as root, so then it runs as the user of Debian's package. */
export async function startPostgres(): Promise<QueueServer> {
  const port = await freePort();
  const folder = await temporaryFolder();
  const data = join(folder, "data");
  const user = process.getuid?.() === 0 ? userOf("postgres") : undefined;
  mkdirSync(data);
  writeFileSync(join(folder, "password"), passwordOfPostgres);
  for (const path of user ? [folder, data, join(folder, "password")] : []) chownSync(path, user!.uid, user!.gid);
  const base = "/usr/lib/postgresql";
  const bin = join(base, readdirSync(base).sort().at(-1)!, "bin");
  const initial = [
    "-D",
    data,
    "-U",
    "encoder",
    "-A",
    "scram-sha-256",
    "--pwfile",
    join(folder, "password"),
    "--no-sync",
  ];
  execFileSync(join(bin, "initdb"), initial, { ...user, stdio: "ignore", cwd: folder });
  const args = ["-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=`];
  const server = processOf(
    () => spawn(join(bin, "postgres"), [...args, "-c", "fsync=off"], { ...user, stdio: "ignore", cwd: folder }),
    port,
  );
  await server.start();
  return { url: `postgres://encoder:${encodeURIComponent(passwordOfPostgres)}@127.0.0.1:${port}/postgres`, ...server };
}

/** What speaks S3: PyPI's moto. */
export async function startMoto(): Promise<{ endpoint: string }> {
  const port = await freePort();
  const program = resolve(import.meta.dirname, "../../../node_modules/.cache/queue-python/bin/moto_server");
  await processOf(() => spawn(program, ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" }), port).start();
  return { endpoint: `http://127.0.0.1:${port}` };
}

function processOf(launch: () => ChildProcess, port: number) {
  let child: ChildProcess | undefined;
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(kill);
  return {
    kill,
    async start() {
      child = launch();
      await Promise.race([untilConnected(port), once(child, "error").then(([error]) => Promise.reject(error))]);
    },
  };
}

async function untilConnected(port: number): Promise<void> {
  while (!(await isListening(port))) await sleep(50);
}

function userOf(name: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
