/**
 * npm run soak -- [minutes]: the service at three times its capacity. Measures what it can do, offers three times that at a
 * fixed rate whatever the answers are, and reports answers by status, whether accepted requests kept their deadline, memory,
 * and how long it takes to answer normally afterwards. Writes bench/results/soak.json and docs/reliability.md.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Agent, request } from "undici";
import { imageBodies, textBodies } from "./http/inputs.ts";
import { startService } from "./http/service.ts";
import { machine, writeSection } from "./report.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: "string", default: "pictogram-mini" }, deadline: { type: "string", default: "10000" } },
});
const minutes = Number(positionals[0] ?? "2");
const deadlineMs = Number(flags.deadline);
const overload = 3;

const service = await startService(flags.model, { REQUEST_TIMEOUT_MS: String(deadlineMs) });
const images = await imageBodies(100);
const texts = textBodies();
const agent = new Agent({ connections: null, pipelining: 1 });

interface Answer {
  status: number;
  ms: number;
  retryAfter: boolean;
}

async function send(path: string, body: string): Promise<Answer> {
  const startedAt = performance.now();
  try {
    const reply = await request(`${service.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      dispatcher: agent,
      headersTimeout: deadlineMs * 3,
    });
    await reply.body.dump();
    return { status: reply.statusCode, ms: performance.now() - startedAt, retryAfter: "retry-after" in reply.headers };
  } catch {
    return { status: 0, ms: performance.now() - startedAt, retryAfter: false };
  }
}

/** One image for every four texts, as a search service sees them. */
let sent = 0;
const next = () => (sent++ % 5 === 0 ? send("/encode_image", images()) : send("/encode_text", texts()));

async function capacity(seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let answers = 0;
  const lane = async () => {
    while (performance.now() < until) if ((await next()).status === 200) answers++;
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  return answers / seconds;
}

await capacity(3);
const perSecond = await capacity(8);
const restingMiB = service.residentBytes() / 2 ** 20;
console.log(
  `capacity ${perSecond.toFixed(0)} requests/s, resting ${restingMiB.toFixed(0)} MiB; offering ${overload} times that for ${minutes} min`,
);

const answers: Answer[] = [];
const memoryMiB: number[] = [];
const healthMs: number[] = [];
const pending = new Set<Promise<void>>();
const startedAt = performance.now();
const endsAt = startedAt + minutes * 60_000;
let offered = 0;
let lastSample = startedAt;
while (performance.now() < endsAt) {
  const due = ((performance.now() - startedAt) / 1000) * perSecond * overload;
  for (; offered < due; offered++) {
    const one = next().then((answer) => {
      answers.push(answer);
      pending.delete(one);
    });
    pending.add(one);
  }
  if (performance.now() - lastSample > 1000) {
    lastSample = performance.now();
    memoryMiB.push(service.residentBytes() / 2 ** 20);
    const asked = performance.now();
    void fetch(`${service.url}/health`).then((reply) => reply.ok && healthMs.push(performance.now() - asked));
  }
  await sleep(5);
}
const stoppedAt = performance.now();
await Promise.all(pending);
while ((await send("/encode_text", texts())).status !== 200) await sleep(5);
const recoveryMs = performance.now() - stoppedAt;

const byStatus: Record<string, number> = {};
for (const { status } of answers) byStatus[status] = (byStatus[status] ?? 0) + 1;
const accepted = answers
  .filter(({ status }) => status === 200)
  .map(({ ms }) => ms)
  .sort((a, b) => a - b);
const result = {
  date: new Date().toISOString(),
  machine: machine(),
  model: flags.model,
  minutes,
  capacityPerSecond: perSecond,
  offeredPerSecond: offered / ((stoppedAt - startedAt) / 1000),
  byStatus,
  shedWithRetryAfter: answers.filter(({ status, retryAfter }) => status === 429 && retryAfter).length,
  deadlineMs,
  acceptedLate: accepted.filter((ms) => ms > deadlineMs).length,
  acceptedP50Ms: accepted[Math.floor(accepted.length * 0.5)],
  acceptedP99Ms: accepted[Math.floor(accepted.length * 0.99)],
  healthP99Ms: healthMs.sort((a, b) => a - b)[Math.floor(healthMs.length * 0.99)],
  memoryMiB: { resting: restingMiB, highest: Math.max(...memoryMiB), last: memoryMiB.at(-1) },
  recoveryMs,
};
console.log(result);
await service.stop();
await agent.close();

const out = resolve(import.meta.dirname, "results");
await mkdir(out, { recursive: true });
await writeFile(join(out, "soak.json"), `${JSON.stringify(result, null, 2)}\n`);
const round = (value: number | undefined) => (value === undefined ? "-" : String(Math.round(value)));
await writeSection("reliability.md", "soak", [
  `${result.date.slice(0, 10)}, ${result.machine}; ${minutes} min at ${(result.offeredPerSecond / perSecond).toFixed(1)} times capacity, model ${result.model}.`,
  "",
  "| figure | value |",
  "|---|---|",
  `| capacity, one image to four texts | ${round(perSecond)} requests/s |`,
  `| offered | ${round(result.offeredPerSecond)} requests/s |`,
  `| answers by status (0: no answer) | ${Object.entries(byStatus)
    .map(([status, n]) => `${status}: ${n}`)
    .join(", ")} |`,
  `| 429 with Retry-After | ${result.shedWithRetryAfter} of ${byStatus["429"] ?? 0} |`,
  `| accepted requests past their deadline of ${deadlineMs} ms | ${result.acceptedLate} |`,
  `| accepted, p50 / p99 | ${round(result.acceptedP50Ms)} / ${round(result.acceptedP99Ms)} ms |`,
  `| GET /health meanwhile, p99 | ${round(result.healthP99Ms)} ms |`,
  `| resident memory before / highest / last | ${round(restingMiB)} / ${round(result.memoryMiB.highest)} / ${round(result.memoryMiB.last)} MiB |`,
  `| from the end of the load to a normal answer | ${round(recoveryMs)} ms |`,
]);
