/**
 * `npx tsx bench/before-after.ts --before DIR` compares this tree with another checkout of the repository, both built:
 * the same full-size random pair, each with the models that its own build makes (DIR's lie in --before-models). Services
 * of both run at once and are measured in turn; then their `bench` commands, which measure the encoder without HTTP. It
 * prints medians, ratios, and how far the vectors of both are from one another.
 */
import { execFileSync, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { freePort } from "../test/support/ports.ts";
import { defaultWork, fullSizeModels, precisions } from "./full-size-models.ts";
import { imageBodies, textBodies } from "./http/inputs.ts";
import { load } from "./http/load.ts";
import { machine } from "./report.ts";

const { values: flags } = parseArgs({
  options: {
    before: { type: "string" },
    "before-models": { type: "string" },
    work: { type: "string", default: defaultWork },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
  },
});
if (!flags.before || !flags["before-models"]) throw new Error("expected --before DIR --before-models DIR");
const seconds = Number(flags.seconds);
const after = await fullSizeModels(flags.work);
const trees = [
  {
    name: "before",
    root: resolve(flags.before),
    model: (precision: string) => join(flags["before-models"]!, precision),
  },
  { name: "after", root: resolve(import.meta.dirname, ".."), model: (precision: "fp32" | "int8") => after[precision] },
];
const sides = precisions.flatMap((precision) => trees.map((tree) => ({ ...tree, precision })));
type Side = (typeof sides)[number];

const executable = ({ root }: Side) => join(root, "bin/image-text-encoder");
const environment = (side: Side) => ({ ...process.env, LOG_LEVEL: "error", MODEL: side.model(side.precision) });

async function start(side: Side) {
  const port = await freePort();
  const env = { ...environment(side), HOST: "127.0.0.1", PORT: String(port) };
  const child = spawn(process.execPath, [executable(side), "serve"], { env, stdio: ["ignore", "ignore", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) await sleep(100);
  return url;
}

async function vectors(url: string, path: string, bodies: readonly string[]): Promise<Float32Array[]> {
  const headers = { "content-type": "application/json" };
  const all: Float32Array[] = [];
  for (const body of bodies) {
    const reply = await fetch(`${url}${path}`, { method: "POST", headers, body });
    all.push(Float32Array.from(((await reply.json()) as { embedding: number[] }).embedding));
  }
  return all;
}

const figures = new Map<string, Map<Side, number[]>>();
function note(figure: string, side: Side, value: number): void {
  const bySide = figures.get(figure) ?? new Map<Side, number[]>();
  bySide.set(side, [...(bySide.get(side) ?? []), value]);
  figures.set(figure, bySide);
}
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const image = { path: "/encode_image", body: await imageBodies(100) };
const text = { path: "/encode_text", body: textBodies() };
const urls = new Map<Side, string>();
for (const side of sides) urls.set(side, await start(side));

for (const precision of precisions) {
  const [one, other] = sides.filter((side) => side.precision === precision).map((side) => urls.get(side)!);
  for (const { path, body } of [image, text]) {
    const bodies = Array.from({ length: 50 }, body);
    const [a, b] = [await vectors(one!, path, bodies), await vectors(other!, path, bodies)];
    const equal = a.filter((vector, i) => vector.every((value, at) => value === b[i]![at])).length;
    const least = Math.min(...a.map((vector, i) => vector.reduce((sum, value, at) => sum + value * b[i]![at]!, 0)));
    console.log(`${precision} ${path}: ${equal} of ${a.length} vectors have the same bits; least cosine ${least}`);
  }
}
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
    const url = urls.get(side)!;
    note("images/s, 16 connections", side, (await load({ ...image, url, connections: 16, seconds })).rate);
    note("one image, p50 ms", side, (await load({ ...image, url, connections: 1, seconds })).p50Ms);
    note("texts/s, 32 connections", side, (await load({ ...text, url, connections: 32, seconds })).rate);
    note("one text, p50 ms", side, (await load({ ...text, url, connections: 1, seconds })).p50Ms);
  }
}
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
    const args = [executable(side), "bench", "--seconds", "2"];
    const lines = execFileSync(process.execPath, args, { env: environment(side), encoding: "utf8" }).split("\n");
    for (const line of lines) {
      const [, what, value] = /^(.* at a time): (?:p50 )?([\d.]+)/.exec(line) ?? [];
      if (what !== undefined)
        note(`without HTTP: ${what}, ${line.includes("p50") ? "p50 ms" : "per s"}`, side, Number(value));
    }
  }
}
console.log(machine());
for (const [figure, bySide] of figures) {
  for (const precision of precisions) {
    const [before, now] = sides.filter((side) => side.precision === precision).map((side) => bySide.get(side)!);
    const ratio = median(now!) / median(before!);
    const all = [before, now].map((values) => values!.map((value) => value.toPrecision(3)).join(" "));
    console.log(
      `| ${figure}, ${precision} | ${median(before!).toPrecision(3)} | ${median(now!).toPrecision(3)} | ${ratio.toFixed(2)} | (${all.join("; ")})`,
    );
  }
}
process.exit(0);
