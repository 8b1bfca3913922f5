/**
 * `npm run soak -- MINUTES` offers a service three times what it can do and prints what becomes of it. With `--write`,
 * the result goes into bench/results/ and into the table of this machine's class in docs/reliability.md.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { imageBodies, textBodies } from "./http/inputs.ts";
import { startService } from "./http/service.ts";
import { type Answer, createLoad, distinctImages } from "./overload.ts";
import { machine, table, writeResults, writeSection } from "./report.ts";
import { quantile } from "./spread.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string", default: "everyday-mini" },
    /** The name of the model in the table. */
    name: { type: "string" },
    deadline: { type: "string", default: "10000" },
    write: { type: "boolean", default: false },
  },
});
const minutes = Number(positionals[0] ?? "2");
const deadlineMs = Number(flags.deadline);
const overload = 3;

const service = await startService(flags.model, { settings: { REQUEST_TIMEOUT_MS: String(deadlineMs) } });
const load = createLoad({ url: service.url, image: distinctImages(await imageBodies(100), 100), text: textBodies() });
await load.capacity(3);
const perSecond = await load.capacity(8);
const restingMiB = service.residentBytes() / 2 ** 20;
console.log(`capacity ${perSecond.toFixed(0)} requests/s; offering ${overload} times that for ${minutes} min`);

const memoryMiB: number[] = [];
const healthMs: number[] = [];
let unhealthy = 0;
let stoppedSendingAt = 0;
const answers = await load.offer({
  perSecond: perSecond * overload,
  seconds: minutes * 60,
  everySecond() {
    stoppedSendingAt = performance.now();
    memoryMiB.push(service.residentBytes() / 2 ** 20);
    const asked = performance.now();
    fetch(`${service.url}/health`).then(
      (reply) => (reply.ok ? healthMs.push(performance.now() - asked) : unhealthy++),
      () => unhealthy++,
    );
  },
});
while ((await load.next()).status !== 200) await sleep(5);
const recoveryMs = performance.now() - stoppedSendingAt;
await load.close();
await service.stop();

const shed = answers.filter(({ status }) => status === 429);
const result = {
  date: new Date().toISOString(),
  machine: machine(),
  model: flags.name ?? flags.model,
  minutes,
  capacityPerSecond: perSecond,
  offeredPerSecond: answers.length / minutes / 60,
  texts: figuresOf("/encode_text"),
  images: figuresOf("/encode_image"),
  shedWithRetryAfter: shed.filter(({ retryAfter }) => retryAfter !== undefined && retryAfter >= 1).length,
  shedP99Ms: percentile(shed, 0.99),
  deadlineMs,
  acceptedLate: answers.filter(({ status, ms }) => status === 200 && ms > deadlineMs).length,
  unhealthy,
  healthP99Ms: quantile(
    healthMs.sort((a, b) => a - b),
    0.99,
  ),
  memoryMiB: { resting: restingMiB, highest: Math.max(...memoryMiB), last: memoryMiB.at(-1) ?? 0 },
  recoveryMs,
};
const round = (value: number) => String(Math.round(value));
const rows = (name: string, { byStatus, p50Ms, p99Ms }: ReturnType<typeof figuresOf>) => {
  const counts = Object.entries(byStatus).map(([status, count]) => `${status}: ${count}`);
  return [
    [`${name}, answers by status (0: none)`, counts.join(", ")],
    [`${name} that were accepted, p50 / p99`, `${round(p50Ms)} / ${round(p99Ms)} ms`],
  ];
};
const { resting, highest, last } = result.memoryMiB;
const asked = healthMs.length + unhealthy;
const lines = [
  `${result.date.slice(0, 10)}, ${result.machine}.`,
  `${minutes} min at ${(result.offeredPerSecond / perSecond).toFixed(1)} times capacity, model ${result.model}.`,
  "",
  ...table(
    ["figure", "value"],
    [
      ["capacity, one image to four texts", `${round(perSecond)} requests/s`],
      ["offered", `${round(result.offeredPerSecond)} requests/s`],
      ...rows("texts", result.texts),
      ...rows("images", result.images),
      ["429 with Retry-After", `${result.shedWithRetryAfter} of ${shed.length}`],
      ["429 after, p99", `${round(result.shedP99Ms)} ms`],
      [`accepted requests past their deadline of ${deadlineMs} ms`, String(result.acceptedLate)],
      ["GET /health meanwhile, p99", `${round(result.healthP99Ms)} ms, ${healthMs.length} of ${asked} healthy`],
      ["memory (PSS) before / highest / last", `${round(resting)} / ${round(highest)} / ${round(last)} MiB`],
      ["from the end of the load to a normal answer", `${round(recoveryMs)} ms`],
    ],
  ),
];
console.log(lines.join("\n"));
if (flags.write) {
  await writeResults("soak", result);
  await writeSection("reliability.md", "soak", lines);
}

function figuresOf(path: string) {
  const all = answers.filter((answer) => answer.path === path);
  const byStatus: Record<string, number> = {};
  for (const { status } of all) byStatus[status] = (byStatus[status] ?? 0) + 1;
  const accepted = all.filter(({ status }) => status === 200);
  return { byStatus, p50Ms: percentile(accepted, 0.5), p99Ms: percentile(accepted, 0.99) };
}

function percentile(some: readonly Answer[], share: number): number {
  const sorted = some.map(({ ms }) => ms).sort((a, b) => a - b);
  return quantile(sorted, share);
}
