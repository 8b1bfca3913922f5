import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, isListening } from "./ports.ts";

/** A server of its own for a test or a bench, in a process that can be killed and started again. */
export interface LaunchedServer {
  url: string;
  pid(): number;
  /** Ends the server at once, as a power failure would. */
  kill(): Promise<void>;
  /** Starts it again with what it has on its disk. */
  start(): Promise<void>;
}

export interface RedisSetup {
  password?: string;
  policy?: string;
  /** How often commands reach the disk; `always` is before each answer. */
  fsync?: "always" | "everysec";
}

/** A Redis that keeps its commands on disk, in this folder. */
export async function launchRedis(
  folder: string,
  { password = "", policy = "noeviction", fsync = "always" }: RedisSetup = {},
): Promise<LaunchedServer> {
  const port = await freePort();
  const own = password === "" ? [] : ["--requirepass", password];
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes"];
  const more = ["--appendfsync", fsync, "--maxmemory-policy", policy, ...own];
  const server = serverOf(() => spawn("redis-server", [...args, ...more], { stdio: "ignore" }), port);
  await server.start();
  return { url: `redis://127.0.0.1:${port}/0`, ...server };
}

const passwordOfPostgres = "a&b c/d"; // needs escapes in a URL

/**
 * A PostgreSQL with its data in this folder. It refuses to run as root, so then it runs as the user of Debian's package.
 * @param durable whether commits wait for the disk
 */
export async function launchPostgres(folder: string, { durable = false } = {}): Promise<LaunchedServer> {
  const port = await freePort();
  const data = join(folder, "data");
  const user = process.getuid?.() === 0 ? userOf("postgres") : undefined;
  mkdirSync(data);
  const password = join(folder, "password");
  writeFileSync(password, passwordOfPostgres);
  for (const path of user ? [folder, data, password] : []) chownSync(path, user!.uid, user!.gid);
  const base = "/usr/lib/postgresql";
  const bin = join(base, readdirSync(base).sort().at(-1)!, "bin");
  const initial = ["-D", data, "-U", "encoder", "-A", "scram-sha-256", "--pwfile", password, "--no-sync"];
  execFileSync(join(bin, "initdb"), initial, { ...user, stdio: "ignore", cwd: folder });
  const args = ["-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="];
  const all = [...args, "-c", `fsync=${durable ? "on" : "off"}`];
  const server = serverOf(() => spawn(join(bin, "postgres"), all, { ...user, stdio: "ignore", cwd: folder }), port);
  await server.start();
  return { url: `postgres://encoder:${encodeURIComponent(passwordOfPostgres)}@127.0.0.1:${port}/postgres`, ...server };
}

/** Makes a server of what launches its process; it is there when its port takes connections. */
export function serverOf(launch: () => ChildProcess, port: number): Omit<LaunchedServer, "url"> {
  let child: ChildProcess | undefined;
  return {
    pid: () => child!.pid!,
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
    async start() {
      let failure: Error | undefined;
      const begin = () => {
        child = launch();
        child.once("error", (error) => {
          failure = error;
        });
      };
      begin();
      while (!(await isListening(port))) {
        if (failure) throw failure;
        // PostgreSQL refuses to start while processes of one that was killed are there.
        if (child!.exitCode !== null) begin();
        await sleep(50);
      }
    },
  };
}

function userOf(name: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
