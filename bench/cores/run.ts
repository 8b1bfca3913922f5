/**
 * `npm run bench:cores` asks whether the parts of the service that every request passes keep up with the engines of machines
 * that have more cores than this one. The service is the real one: HTTP, bodies, tokenizer, queues, batches. Its engines
 * wait as long as a model of the towers says (model.ts) and compute nothing; small JPEGs, which engines decode, are not
 * decoded. The event loop has core 0 to itself; the other threads and the load share core 1. It writes cores.json into
 * bench/results/ and a table into docs/performance.md. Linux only. It takes two minutes.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { layoutFor } from "../../src/engine/layout.ts";
import { defaultWork, fullSizeModels } from "../full-size-models.ts";
import { textBodies } from "../http/inputs.ts";
import { load } from "../http/load.ts";
import { machine, table, writeResults, writeSection } from "../report.ts";
import { short } from "../spread.ts";
import type { Busy } from "./service.ts";

const { values: flags } = parseArgs({
  options: {
    cores: { type: "string", default: "2,4,8,16,32,64" },
    seconds: { type: "string", default: "4" },
    work: { type: "string", default: defaultWork },
  },
});
const seconds = Number(flags.seconds);
const { int8 } = await fullSizeModels(flags.work);
const texts = textBodies();
const manyTexts = () => JSON.stringify({ texts: Array.from({ length: 32 }, () => JSON.parse(texts()).text as string) }); // as textBodies() writes it

/** As many callers for each engine as fill two batches or three. */
const works = [
  { what: "images", tower: "image", items: 1, path: "/encode_image", connections: 12, body: await paddedPictures(50) },
  { what: "texts", tower: "text", items: 1, path: "/encode_text", connections: 48, body: texts },
  { what: "texts, 32 in a request", tower: "text", items: 32, path: "/encode_text", connections: 3, body: manyTexts },
] as const;

pin(process.pid, "1", { all: true });
const rows = [];
for (const cores of flags.cores.split(",").map(Number)) {
  const layout = layoutFor(cores, { replicas: 0, threads: 0, isShared: true });
  const [replicas, threads] = [layout.engines.length, layout.engines[0]!];
  const service = await startSimulated({ replicas, threads });
  for (const { what, tower, items, connections, ...request } of works) {
    const aimed = { ...request, url: service.url, connections: connections * replicas };
    await load({ ...aimed, seconds: 2 });
    await service.busy();
    const { rate, failures } = await load({ ...aimed, seconds });
    const { loop, [tower]: engines } = await service.busy();
    rows.push({
      cores,
      replicas,
      threads,
      others: layout.enginesForLoad,
      what,
      rate: rate * items,
      engines,
      loop,
      failures,
    });
    console.log(rows.at(-1));
  }
  await service.stop();
}
const report = { date: new Date().toISOString(), machine: machine(), seconds, rows };
await writeResults("cores", report);
await writeSection("performance.md", "cores", [
  `${report.date.slice(0, 10)}, ${report.machine}; engines of AVX-512 VNNI at int8, simulated.`,
  "",
  ...table(
    ["cores", "engines per tower", "", "a second", "engines busy", "event loop busy", "engines could"],
    rows.map(({ cores, replicas, threads, others, what, rate, engines, loop }) => [
      String(cores),
      `${replicas} of ${threads} threads, or ${others} of one`,
      what,
      short(rate),
      `${(engines * 100).toFixed(0)} %`,
      `${(loop * 100).toFixed(0)} %`,
      short(rate / engines),
    ]),
  ),
]);

async function startSimulated({ replicas, threads }: { replicas: number; threads: number }) {
  const script = resolve(import.meta.dirname, "service.ts");
  // Threads that help to collect garbage would wait for core 1, and the event loop for them. So it collects by itself.
  const flags = ["--single-threaded-gc", "--semi-space-growth-factor=1", "--import", "tsx"];
  const args = [...flags, script, int8, String(replicas), String(threads)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const { url } = (await message(child)) as { url: string }; // service.ts sends it
  const probe = await fetch(`${url}/encode_image`, { method: "POST", body: new Uint8Array(await picture(0)) });
  if (!probe.ok) throw new Error(`the first picture: ${probe.status}`); // and so the decoders run
  for (const tid of readdirSync(`/proc/${child.pid}/task`)) pin(Number(tid), Number(tid) === child.pid ? "0" : "1");
  const decoders = execFileSync("pgrep", ["-P", String(child.pid)], { encoding: "utf8" })
    .trim()
    .split("\n");
  for (const pid of decoders) pin(Number(pid), "1", { all: true });
  return {
    url,
    async busy(): Promise<Busy> {
      child.send("busy?");
      return (await message(child)) as Busy; // service.ts sends it
    },
    async stop() {
      child.disconnect();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

async function message(child: ChildProcess): Promise<unknown> {
  const ended = once(child, "exit").then(() => {
    throw new Error("the simulated service ended");
  });
  const [received] = await Promise.race([once(child, "message"), ended]);
  return received;
}

/** Gives a thread, or with `all` a process, one core. */
function pin(id: number, core: string, { all = false } = {}): void {
  execFileSync("taskset", [all ? "-acp" : "-cp", core, String(id)], { stdio: "ignore" });
}

/** Makes bodies of 80 kB, as those of 640x480 JPEGs are: whatever follows a picture's end is hashed and copied. */
async function paddedPictures(count: number): Promise<() => string> {
  const bodies = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const padded = Buffer.concat([await picture(i), Buffer.alloc(60_000, i)]);
      return JSON.stringify({ image_b64: padded.toString("base64") });
    }),
  );
  let next = 0;
  return () => bodies[next++ % bodies.length]!;
}

function picture(i: number): Promise<Buffer> {
  const background = { r: (i * 37) % 256, g: (i * 101) % 256, b: (i * 11) % 256 };
  return sharp({ create: { width: 8, height: 8, channels: 3, background } })
    .jpeg()
    .toBuffer();
}
