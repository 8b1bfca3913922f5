import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../test/support/ports.ts";

/** A service as its users run it: the executable, in a process of its own. */
export interface Service {
  url: string;
  /** The time from the start of the process to its first image vector and text vector. */
  coldStartMs: number;
  /** Gives the resident memory (PSS) of the service and its decoder processes, in bytes. */
  residentBytes(): number;
  /** Gives the processor time spent so far. */
  processorTime(): ProcessorTime;
  stop(): Promise<void>;
}

/** Processor time, in milliseconds of one core. */
export interface ProcessorTime {
  /** The event loop does HTTP, JSON, base64, hashing, queues and printing. */
  main: number;
  /** Other threads run the engines above all, tokenising and garbage collection too. */
  threads: number;
  decoders: number;
}

const executable = resolve(import.meta.dirname, "../../bin/image-text-encoder");

/** @param cores the processors that it may use, as taskset(1) writes them; all by default */
export async function startService(
  model: string,
  { settings = {}, cores }: { settings?: Record<string, string>; cores?: string } = {},
): Promise<Service> {
  const env = { LOG_LEVEL: "error", MODEL: model, HOST: "127.0.0.1", ...settings };
  const command = [...(cores ? ["taskset", "-c", cores] : []), process.execPath, executable, "serve"];
  return start((port) => ({ command, env: { ...env, PORT: String(port) } }));
}

/** Starts what people write by hand: a library behind Flask, on the same checkpoints. */
export async function startPeer(
  python: string,
  library: "sentence-transformers" | "faster-clip",
  pair: { imageDir: string; textDir: string },
): Promise<Service> {
  const script = resolve(import.meta.dirname, "../peers/flask_service.py");
  const { imageDir, textDir } = pair;
  return start((port) => ({ command: [python, script, library, imageDir, textDir, String(port)], env: {} }));
}

async function start(how: (port: number) => { command: string[]; env: Record<string, string> }): Promise<Service> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const { command, env } = how(port);
  const [file, ...args] = command;
  const child = spawn(file!, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL")); // so that an error here leaves no process behind
  await firstAnswer(url, child);
  return {
    url,
    coldStartMs: performance.now() - startedAt,
    residentBytes: () => residentBytesOfTree(child.pid!),
    processorTime: () => processorTimeOfTree(child.pid!),
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

async function firstAnswer(url: string, child: ChildProcess): Promise<void> {
  const image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const post = async (path: string, body: object) => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  };
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`);
    try {
      await Promise.all([post("/encode_text", { text: "first" }), post("/encode_image", { image_b64: image })]);
      return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch's "connection refused": not listening yet
      await sleep(10);
    }
  }
}

/**
 * Sums up the pages in memory. Pages that processes share are split among them, so that they count once. Linux only.
 */
function residentBytesOfTree(root: number): number {
  return treeOf(root).reduce((sum, pid) => sum + field(read(`/proc/${pid}/smaps_rollup`), "Pss") * 1024, 0);
}

/** Reads /proc, so it works on Linux only. */
function processorTimeOfTree(root: number): ProcessorTime {
  const ofFile = (file: string) => {
    const fields = read(file).split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * millisecondsPerTick; // user and system time
  };
  const main = ofFile(`/proc/${root}/task/${root}/stat`);
  const children = treeOf(root).filter((pid) => pid !== root);
  const decoders = children.reduce((sum, pid) => sum + ofFile(`/proc/${pid}/stat`), 0);
  return { main, threads: ofFile(`/proc/${root}/stat`) - main, decoders };
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const millisecondsPerTick = 10;

/** Gives the process and its children. */
function treeOf(root: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid === root || field(read(`/proc/${pid}/status`), "PPid") === root);
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the process ended meanwhile
  }
}
