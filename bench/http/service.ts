import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../test/support/ports.ts";
import type { ImageForm, TextForm } from "./inputs.ts";

/** A service as its users run it: the executable, in a process of its own. */
export interface Service {
  url: string;
  speech: Speech;
  /** The time from the start of the process to its first image vector and text vector. */
  coldStartMs: number;
  /** Gives the resident memory (PSS) of the service and its decoder processes, in bytes. */
  residentBytes(): number;
  /** Tells it in two ways. */
  memory(): Memory;
  /** Gives the processor time spent so far. */
  processorTime(): ProcessorTime;
  stop(): Promise<void>;
}

/** Where a service takes an image and a text, and what its bodies are. */
export interface Speech {
  image: { path: string; body: ImageForm };
  text: { path: string; body: TextForm };
}

const ourSpeech: Speech = {
  image: { path: "/encode_image", body: (b64) => ({ image_b64: b64 }) },
  text: { path: "/encode_text", body: (text) => ({ text }) },
};

/** Memory of a service and its decoders, in bytes. */
export interface Memory {
  /** Pages that other programs have mapped, too, are split among all of them (PSS). */
  shared: number;
  /** Pages of program files count in full, but once, as if no other program had them. */
  alone: number;
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
  const command = [...(cores ? ["taskset", "-c", cores] : []), executable, "serve"];
  return start((port) => ({ command, env: { ...env, PORT: String(port) } }));
}

/** What a service is started with, and how one speaks to it: as to ours, by default. */
export interface Start {
  command: string[];
  env?: Record<string, string>;
  speech?: Speech;
}

/** Starts a service on a free port, and waits for its first vectors. */
export async function start(how: (port: number) => Start): Promise<Service> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const { command, env, speech = ourSpeech } = how(port);
  const [file, ...args] = command;
  const child = spawn(file!, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL")); // so that an error here leaves no process behind
  await firstAnswer(url, child, speech);
  return {
    url,
    speech,
    coldStartMs: performance.now() - startedAt,
    residentBytes: () => memoryOfTree(child.pid!).shared,
    memory: () => memoryOfTree(child.pid!),
    processorTime: () => processorTimeOfTree(child.pid!),
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

async function firstAnswer(url: string, child: ChildProcess, { image, text }: Speech): Promise<void> {
  // A PNG of 16 x 16 pixels; Infinity refuses pictures of one pixel.
  const picture =
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAMAAAAoLQ9TAAAAA1BMVEV/Px8tATV+AAAACXBIWXMAAAPoAAAD6AG1e1JrAAAADUlEQVQY02NgGAXIAAABEAAB7JfjegAAAABJRU5ErkJggg==";
  const post = async (path: string, body: object) => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  };
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`);
    try {
      await Promise.all([post(text.path, text.body("first")), post(image.path, image.body(picture))]);
      return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch's "connection refused": not listening yet
      await sleep(10);
    }
  }
}

/** Sums up the pages in memory of a process and its children. Linux only. */
function memoryOfTree(root: number): Memory {
  let shared = 0;
  let anonymous = 0;
  /** Bytes of a file's part, by its name and where in it the part begins: engines and processes map the same ones. */
  const parts: Record<string, number> = {};
  for (const pid of treeOf(root)) {
    let part = "";
    let resident = 0;
    for (const line of read(`/proc/${pid}/smaps`).split("\n")) {
      const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ (\S+) \S+ (\d+) +(.*)$/.exec(line);
      if (mapping) part = mapping[2] === "0" ? "" : `${mapping[3]} ${mapping[1]}`;
      const [, name, kilobytes] = /^(Pss|Rss|Anonymous): +(\d+)/.exec(line) ?? [];
      const bytes = Number(kilobytes) * 1024;
      if (name === "Pss") shared += bytes;
      if (name === "Rss") resident = bytes;
      if (name !== "Anonymous") continue; // which comes last
      anonymous += bytes;
      // Of a file that is mapped, what was written to is a copy of its own.
      if (part !== "") parts[part] = Math.max(parts[part] ?? 0, resident - bytes);
    }
  }
  return { shared, alone: anonymous + Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
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
