import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { temporaryFolder } from "../../support/checkpoints.ts";
import { serve } from "../../support/loopback.ts";
import { outputFiles } from "../../support/output.ts";
import { bitmap } from "../../support/pictures.ts";
import { type Running, runCli, startCli } from "../../support/run-cli.ts";

export interface RunPlace {
  folder: string;
  /** The output of the queued run. */
  out: string;
}

export async function place(): Promise<RunPlace> {
  const folder = await temporaryFolder();
  const out = join(folder, "out");
  await mkdir(out);
  return { folder, out };
}

/** Starts a queue server, and gives a place and how runs and workers of this model are called there. */
export async function opening(start: () => Promise<{ url: string }>, model: string) {
  const { url: queue } = await start();
  const here = await place();
  return { here, call: { model, queue, out: here.out } };
}

/** What a queued run wrote, without what it keeps for itself. */
export function resultOf(directory: string): Record<string, string> {
  return Object.fromEntries(Object.entries(outputFiles(directory)).filter(([path]) => !path.startsWith(".queue/")));
}

/** The parts that are marked as done. */
export function marksIn(out: string): string[] {
  const entries = readdirSync(join(out, ".queue"), { recursive: true, encoding: "utf8" });
  return entries.filter((name) => /\d+\/\d+\.json$/.test(name));
}

export interface Pictures {
  /** A list of their URLs. */
  list: string;
  /** How often each was asked for. */
  asked: Map<number, number>;
  /** Requests for this picture and all behind it are not answered until `release`. */
  holdFrom(number: number): void;
  release(): void;
  /** Resolves when so many requests are held. */
  held(count: number): Promise<void>;
}

/**
 * Pictures behind URLs of this process, so that a test decides when they are answered, and hears who asks: a worker's user
 * agent is its name.
 */
export async function servePictures(
  folder: string,
  count: number,
  onAsked: (number: number, worker: string) => void = () => {},
): Promise<Pictures> {
  const asked = new Map<number, number>();
  let firstHeld = Number.POSITIVE_INFINITY;
  let held: (() => void)[] = [];
  let wake = () => {};
  const { port } = await serve((request, reply: ServerResponse) => {
    const number = Number(request.url!.slice(1).replace(".bmp", ""));
    asked.set(number, (asked.get(number) ?? 0) + 1);
    onAsked(number, request.headers["user-agent"] ?? "");
    const answer = () => reply.writeHead(200, { "content-type": "image/bmp" }).end(bitmap(number));
    if (number >= firstHeld) held.push(answer);
    else answer();
    wake();
  });
  const list = join(folder, "list.txt");
  const urls = Array.from({ length: count }, (_, i) => `http://127.0.0.1:${port}/${i}.bmp\n`);
  await writeFile(list, urls.join(""));
  return {
    list,
    asked,
    holdFrom(number) {
      firstHeld = number;
    },
    release() {
      firstHeld = Number.POSITIVE_INFINITY;
      for (const answer of held) answer();
      held = [];
    },
    async held(count) {
      while (held.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

export interface QueueCall {
  model: string;
  queue: string;
  out: string;
  env?: Record<string, string>;
}

/** Leases are short, so that dead workers are noticed soon. */
const leaseMs = "1500";
/** A picture that a test holds back is waited for, however slow the machine is. */
const patience = ["--fetch-timeout-ms", "600000", "--fetch-idle-timeout-ms", "600000", "--item-timeout-ms", "600000"];

export function startWorker({ model, queue, out, env = {} }: QueueCall, ...more: string[]): Running {
  const flags = ["--out", out, "--model", model, "--lease-ms", leaseMs, "--allow-private-urls", "on"];
  return startCli(["work", ...flags, ...patience, ...more], {
    QUEUE: queue,
    THREADS: "1",
    DECODE_PROCESSES: "1",
    ...env,
  });
}

export function startRun({ model, queue, out, env = {} }: QueueCall, input: string, ...more: string[]): Running {
  const flags = ["--out", out, "--model", model, "--json-progress", "--allow-private-urls", "on"];
  return startCli(["encode", input, ...flags, ...more], { QUEUE: queue, ...env });
}

/** The same by one process: what the queued run must equal. */
export async function singleRun(
  { folder }: RunPlace,
  { model, input, shardSize }: { model: string; input: string; shardSize: number },
  ...more: string[]
) {
  const out = join(folder, "single");
  const flags = ["--out", out, "--model", model, "--part-size", String(shardSize), "--allow-private-urls", "on"];
  const outcome = await runCli(["encode", input, ...flags, ...more]);
  return { ...outcome, files: outputFiles(out) };
}

/** A worker that has begun nothing yet. */
export async function ready(worker: Running): Promise<Running> {
  await worker.says("waiting for shards");
  return worker;
}

export async function endGently(worker: Running): Promise<number | null> {
  worker.child.kill("SIGTERM");
  return (await worker.ended).code;
}

export const readText = (path: string): string => readFileSync(path, "utf8");
