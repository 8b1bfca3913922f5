import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { readNpy } from "../../test/support/output.ts";
import type { LaunchedServer } from "../../test/support/queue-servers.ts";
import type { PartReport } from "./part.ts";
import { marksOf } from "./stand-in.ts";

export interface StandInRun {
  server: LaunchedServer;
  /** References in the run, in each shard, and the processes that do them. */
  count: number;
  shardSize: number;
  workers: number;
  /** The output goes into a new folder below this one, and is removed when it was checked. */
  folder: string;
}

export interface StandInReport {
  seconds: number;
  lister: PartReport;
  workers: PartReport[];
  /** Processor time of the queue's server. */
  serverSeconds: number;
  /** The most memory that the server's first process has had since it was started. */
  serverPeakBytes: number;
}

/** Runs references through a queue with a stand-in engine, and counts the vectors. @throws where one is not there exactly once */
export async function standInRun(options: StandInRun): Promise<StandInReport> {
  const { server, count, shardSize, workers, folder } = options;
  const out = mkdtempSync(join(folder, "out-"));
  const start = (role: string) => partProcess([role, server.url, out, String(count), String(shardSize)]);
  const hands = await Promise.all(Array.from({ length: workers }, () => start("worker")));
  const before = processorSeconds(server.pid());
  const startedAt = performance.now();
  const lister = await start("lister");
  const listed = await lister.report();
  const seconds = (performance.now() - startedAt) / 1000;
  const serverSeconds = processorSeconds(server.pid()) - before;
  for (const { child } of hands) child.kill("SIGTERM");
  const reports = await Promise.all(hands.map(({ report }) => report()));
  const serverPeakBytes = peakBytes(server.pid());
  checkVectors(out, count, shardSize);
  rmSync(out, { recursive: true });
  return { seconds, lister: listed, workers: reports, serverSeconds, serverPeakBytes };
}

/** Each reference must have one vector, its own, at its place. */
function checkVectors(out: string, count: number, shardSize: number): void {
  const parts = readdirSync(join(out, "img_emb")).length;
  if (parts !== Math.ceil(count / shardSize)) throw new Error(`${parts} parts`);
  let number = 0;
  for (let part = 0; part < parts; part++) {
    const { shape, values } = readNpy(join(out, "img_emb", `img_emb_${part}.npy`));
    const [rows = 0, dimensions = 0] = shape;
    for (let row = 0; row < rows; row++, number++) {
      const [first, second] = marksOf(number);
      const isOwn = values[row * dimensions] === first && values[row * dimensions + 1] === second;
      if (!isOwn) throw new Error(`the vector of ${number} is not in its place in part ${part}`);
    }
  }
  if (number !== count) throw new Error(`${number} vectors of ${count}`);
}

async function partProcess(args: string[]): Promise<{ child: ChildProcess; report(): Promise<PartReport> }> {
  const script = resolve(import.meta.dirname, "part.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL")); // so that an error here leaves no process behind
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = once(child, "close");
  while (!output.startsWith("ready") && child.exitCode === null)
    await Promise.race([once(child.stdout, "data"), ended]);
  return {
    child,
    async report() {
      const [code] = await ended;
      if (code !== 0) throw new Error(`${args[0]} ended with ${code}`);
      return JSON.parse(output.trim().split("\n").at(-1)!);
    },
  };
}

/** Gives the processor time of a process and of those that it started, also of those that have ended since. */
export function processorSeconds(pid: number): number {
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(name) ?? []);
  return stats
    .filter((stat) => stat.pid === pid || stat.parent === pid)
    .reduce((sum, { ticks }) => sum + ticks / ticksPerSecond, 0);
}

function peakBytes(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

/** Linux counts processor time in these, on every common machine. */
const ticksPerSecond = 100;

function statOf(pid: string): { pid: number; parent: number; ticks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number); // the name may hold spaces
    const [user = 0, system = 0, ended = 0, endedSystem = 0] = fields.slice(11, 15);
    return { pid: Number(pid), parent: fields[1]!, ticks: user + system + ended + endedSystem };
  } catch {
    return undefined; // it has ended meanwhile
  }
}
